# Makes copies of the libraries in OUTPUT_DIR, without debug symbols, and a file with those of the
# shared one. Does nothing if the copies are as new as the libraries.
set(shared "${OUTPUT_DIR}/${SHARED}")
set(static "${OUTPUT_DIR}/${STATIC}")
set(debug "${OUTPUT_DIR}/${DEBUG}")
if("${shared}" IS_NEWER_THAN "${LIBRARY_DIR}/${SHARED}"
    AND "${static}" IS_NEWER_THAN "${LIBRARY_DIR}/${STATIC}"
    AND EXISTS "${debug}")
  return()
endif()

function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE status WORKING_DIRECTORY "${OUTPUT_DIR}")
  if(NOT status EQUAL 0)
    list(JOIN ARGV " " command)
    message(FATAL_ERROR "${command}: ${status}")
  endif()
endfunction()

file(MAKE_DIRECTORY "${OUTPUT_DIR}")
run("${OBJCOPY}" --only-keep-debug "${LIBRARY_DIR}/${SHARED}" "${debug}")
run("${STRIP}" --strip-unneeded -o "${shared}" "${LIBRARY_DIR}/${SHARED}")
run("${OBJCOPY}" "--add-gnu-debuglink=${DEBUG}" "${shared}")
run("${STRIP}" --strip-debug -o "${static}" "${LIBRARY_DIR}/${STATIC}")
