# The target `docs`: the header as HTML, in docs/html of the build directory. `doxygen` is needed
# for it alone.
set(MYSQLFABRIC_DOXYFILE "${CMAKE_CURRENT_BINARY_DIR}/Doxyfile")
set(doxygen_output "${CMAKE_CURRENT_BINARY_DIR}/docs")
configure_file(cmake/Doxyfile.in "${MYSQLFABRIC_DOXYFILE}" @ONLY)
find_program(MYSQLFABRIC_DOXYGEN doxygen DOC "doxygen, for the target docs")
if(MYSQLFABRIC_DOXYGEN)
  add_custom_target(docs
    COMMAND "${MYSQLFABRIC_DOXYGEN}" "${MYSQLFABRIC_DOXYFILE}"
    COMMENT "Writing docs/html/index.html of the build directory"
    VERBATIM)
endif()
