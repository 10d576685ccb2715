# The target `uninstall`: see RunUninstall.cmake.
add_custom_target(uninstall
  COMMAND "${CMAKE_COMMAND}" "-DBINARY_DIR=${CMAKE_CURRENT_BINARY_DIR}"
    -P "${CMAKE_CURRENT_SOURCE_DIR}/cmake/RunUninstall.cmake"
  COMMENT "Removing what was installed from ${CMAKE_CURRENT_BINARY_DIR}"
  VERBATIM)
