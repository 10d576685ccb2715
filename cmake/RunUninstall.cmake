# cmake -DBINARY_DIR=<build directory> -P RunUninstall.cmake
#
# Removes the files that the last installations from BINARY_DIR have written, and the directories
# that were the package's alone. The manifests name files without DESTDIR, which counts here as it
# does for the installation.
file(GLOB manifests "${BINARY_DIR}/install_manifest*.txt")
if(NOT manifests)
  message(FATAL_ERROR "nothing was installed from ${BINARY_DIR}: it has no install_manifest.txt")
endif()

set(directories)
foreach(manifest IN LISTS manifests)
  file(STRINGS "${manifest}" files)
  foreach(file IN LISTS files)
    set(path "$ENV{DESTDIR}${file}")
    if(EXISTS "${path}" OR IS_SYMLINK "${path}")
      message(STATUS "Removing: ${path}")
      file(REMOVE "${path}")
    endif()
    if(EXISTS "${path}" OR IS_SYMLINK "${path}")
      message(FATAL_ERROR "cannot remove ${path}")
    endif()
    get_filename_component(directory "${path}" DIRECTORY)
    # One that has directories alone is in no file's path but theirs.
    get_filename_component(above "${directory}" DIRECTORY)
    list(APPEND directories "${directory}" "${above}")
  endforeach()
  file(REMOVE "${manifest}")
endforeach()

# The innermost first.
list(REMOVE_DUPLICATES directories)
list(SORT directories ORDER DESCENDING)
foreach(directory IN LISTS directories)
  file(GLOB rest "${directory}/*" "${directory}/.*")
  if(directory MATCHES "/(MySQLFabric|mysqlfabric|mysqlfabric/sql|mysqlfabric/go(/[a-z_]+)*|examples|\\.debug)$" AND NOT rest)
    file(REMOVE_RECURSE "${directory}")
  endif()
endforeach()
