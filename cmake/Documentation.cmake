# The target `docs`: the reference of every door and the documents, in docs/html of the build
# directory; docs/site/make.sh says with what. `doxygen` is needed for it alone.
set(MYSQLFABRIC_DOXYFILE "${CMAKE_CURRENT_BINARY_DIR}/Doxyfile")
set(doxygen_output "${CMAKE_CURRENT_BINARY_DIR}/docs")
configure_file(cmake/Doxyfile.in "${MYSQLFABRIC_DOXYFILE}" @ONLY)
find_program(MYSQLFABRIC_DOXYGEN doxygen DOC "doxygen, for the target docs")
if(MYSQLFABRIC_DOXYGEN)
  add_custom_target(docs
    COMMAND "${CMAKE_COMMAND}" -E env "CARGO=${MYSQLFABRIC_CARGO}"
      "${CMAKE_CURRENT_SOURCE_DIR}/docs/site/make.sh" "${CMAKE_CURRENT_BINARY_DIR}"
    COMMENT "Writing docs/html/index.html of the build directory"
    VERBATIM)
  add_dependencies(docs mysqlfabric_library)
endif()
