# cmake -DHEADER=... -DOUTPUT=... -P statuses.cmake
# Lists the statuses that a failed call can return, one X(FABRIC_ERR_...) for each.
file(STRINGS "${HEADER}" lines REGEX "^#define FABRIC_ERR_[A-Z0-9_]+ [0-9]+$")
set(list "")
foreach(line IN LISTS lines)
  string(REGEX REPLACE "^#define (FABRIC_ERR_[A-Z0-9_]+) .*" "X(\\1)\n" status "${line}")
  string(APPEND list "${status}")
endforeach()
if(list STREQUAL "")
  message(FATAL_ERROR "no FABRIC_ERR_* in ${HEADER}")
endif()
file(WRITE "${OUTPUT}" "${list}")
