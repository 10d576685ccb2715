# What is installed: the libraries, the header, a CMake package, pkg-config files, documents,
# examples, and the licences.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/MySQLFabric")

install(FILES "${installed_dir}/${shared_name}" DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
    WORLD_READ WORLD_EXECUTE
  COMPONENT runtime)
install(FILES "${library_dir}/${soname}" DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  COMPONENT runtime)
install(FILES "${library_dir}/${cargo_shared}" "${installed_dir}/${static_name}"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development)
if(debug_name)
  # Not with the rest: `cmake --install <build> --component debug`.
  install(FILES "${installed_dir}/${debug_name}" DESTINATION "${CMAKE_INSTALL_LIBDIR}/.debug"
    COMPONENT debug EXCLUDE_FROM_ALL)
endif()
install(FILES include/mysqlfabric.h include/mysqlfabric.hpp
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  COMPONENT development)

# The command, its manual, and completions where each shell looks for them.
if(MYSQLFABRIC_BUILD_TOOLS)
  install(PROGRAMS "${installed_tool}" DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT tools)
endif()
if(manual_dir)
  install(DIRECTORY "${manual_dir}/" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" COMPONENT tools
    FILES_MATCHING PATTERN "*.1")
  install(FILES "${manual_dir}/mysqlfabric"
    DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" COMPONENT tools)
  install(FILES "${manual_dir}/_mysqlfabric"
    DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/site-functions" COMPONENT tools)
  install(FILES "${manual_dir}/mysqlfabric.fish"
    DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d" COMPONENT tools)
endif()

configure_package_config_file(cmake/MySQLFabricConfig.cmake.in
  "${CMAKE_CURRENT_BINARY_DIR}/MySQLFabricConfig.cmake"
  INSTALL_DESTINATION "${package_dir}"
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR
  NO_CHECK_REQUIRED_COMPONENTS_MACRO)
# Before 1.0 a minor version may change the ABI.
set(compatibility SameMajorVersion)
if(PROJECT_VERSION VERSION_LESS 1.0)
  set(compatibility SameMinorVersion)
endif()
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/MySQLFabricConfigVersion.cmake"
  VERSION "${PROJECT_VERSION}" COMPATIBILITY ${compatibility})
install(FILES
  "${CMAKE_CURRENT_BINARY_DIR}/MySQLFabricConfig.cmake"
  "${CMAKE_CURRENT_BINARY_DIR}/MySQLFabricConfigVersion.cmake"
  DESTINATION "${package_dir}" COMPONENT development)

# The pkg-config file finds its prefix from where it lies, so that the tree can be moved; with
# directories outside the prefix it names them as they are.
function(mysqlfabric_pc_dir variable dir)
  if(IS_ABSOLUTE "${dir}")
    set(${variable} "${dir}" PARENT_SCOPE)
  else()
    set(${variable} "\${prefix}/${dir}" PARENT_SCOPE)
  endif()
endfunction()
mysqlfabric_pc_dir(pc_libdir "${CMAKE_INSTALL_LIBDIR}")
mysqlfabric_pc_dir(pc_includedir "${CMAKE_INSTALL_INCLUDEDIR}")
set(pc_prefix "${CMAKE_INSTALL_PREFIX}")
if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  file(RELATIVE_PATH up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
  string(REGEX REPLACE "/$" "" up "${up}")
  set(pc_prefix "\${pcfiledir}/${up}")
endif()
string(REPLACE ";" " -l" pc_private "-l${MYSQLFABRIC_NATIVE_LIBRARIES}")
foreach(pc IN ITEMS mysqlfabric mysqlfabric-static)
  configure_file(cmake/${pc}.pc.in "${CMAKE_CURRENT_BINARY_DIR}/${pc}.pc" @ONLY)
  install(FILES "${CMAKE_CURRENT_BINARY_DIR}/${pc}.pc"
    DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT development)
endforeach()

foreach(licence IN ITEMS LICENSE LICENSE-MIT LICENSE-APACHE)
  if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${licence}")
    install(FILES ${licence} DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT runtime)
  endif()
endforeach()

install(FILES README.md CHANGELOG.md docs/ABI.md docs/COMMAND.md docs/ERRORS.md docs/FABRIC.md docs/FAILOVER.md
  docs/MOVING_OFF_FABRIC.md docs/PATTERNS.md docs/PYTHON.md docs/RESHARDING.md docs/SOURCES.md
  docs/THREADS.md docs/TOPOLOGY_FILE.md
  DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT development)
file(GLOB example_files CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/examples-c/*.[ch]"
  "${CMAKE_CURRENT_SOURCE_DIR}/examples-c/*.cpp")
install(FILES ${example_files}
  DESTINATION "${CMAKE_INSTALL_DOCDIR}/examples" COMPONENT development)
# What valgrind says of Rust's standard library and not of this one.
set(data_dir "${CMAKE_INSTALL_DATADIR}/mysqlfabric")
install(FILES tests/valgrind.supp DESTINATION "${data_dir}" COMPONENT development)
# The Go module, for `replace` in a go.mod.
install(DIRECTORY bindings/go/ DESTINATION "${data_dir}/go" COMPONENT development
  FILES_MATCHING PATTERN "*.go" PATTERN "*.h" PATTERN "go.*" PATTERN "README.md" PATTERN "*_test.go" EXCLUDE
  PATTERN "testdata" EXCLUDE)
# What makes and changes a shard map in MySQL tables.
install(FILES sql/mysqlfabric.sql sql/from_fabric_store.sql
  DESTINATION "${data_dir}/sql" COMPONENT development)
install(PROGRAMS sql/move_shard.sh DESTINATION "${data_dir}/sql" COMPONENT development)
