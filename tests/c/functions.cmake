# cmake -DHEADER=... -DOUTPUT=... -P functions.cmake
# Lists the functions of the header, one X(fabric_...) for each.
file(STRINGS "${HEADER}" lines REGEX "^[a-z].*fabric_[a-z0-9_]+\\(")
set(list "")
foreach(line IN LISTS lines)
  if(NOT line MATCHES "^typedef")
    string(REGEX REPLACE "^.*[ *](fabric_[a-z0-9_]+)\\(.*$" "X(\\1)\n" function "${line}")
    string(APPEND list "${function}")
  endif()
endforeach()
if(list STREQUAL "")
  message(FATAL_ERROR "no functions in ${HEADER}")
endif()
file(WRITE "${OUTPUT}" "${list}")
