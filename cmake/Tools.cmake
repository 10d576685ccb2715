# The command mysqlfabric, which cargo builds in one go with the library, and what it writes of itself:
# its man pages, and completions for shells.
set(tools_arguments)
set(tools_commands)
set(tools_files)
if(MYSQLFABRIC_BUILD_TOOLS)
  set(tools_dir "${CMAKE_CURRENT_BINARY_DIR}/bin")
  set(tool "${tools_dir}/mysqlfabric")
  set(tools_arguments --package mysqlfabric-cli --bin mysqlfabric)
  set(tools_commands
    COMMAND "${CMAKE_COMMAND}" -E make_directory "${tools_dir}/stripped"
    COMMAND "${CMAKE_COMMAND}" -E copy_if_different
      "${cargo_output}/${profile_dir}/mysqlfabric" "${tool}")
  set(tools_files "${tool}")
  set(installed_tool "${tool}")
  if(MYSQLFABRIC_STRIP AND CMAKE_STRIP AND NOT APPLE)
    set(installed_tool "${tools_dir}/stripped/mysqlfabric")
    list(APPEND tools_commands COMMAND "${CMAKE_STRIP}" -o "${installed_tool}" "${tool}")
    list(APPEND tools_files "${installed_tool}")
  endif()
  # One that was built for another machine cannot be asked.
  if(NOT MYSQLFABRIC_CARGO_TARGET)
    set(manual_dir "${CMAKE_CURRENT_BINARY_DIR}/manual")
    list(APPEND tools_commands COMMAND "${tool}" manual "${manual_dir}")
  endif()
endif()
