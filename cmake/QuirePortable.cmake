# QUIRE_PORTABLE: programs that need nothing but the C library, and a CUDA driver where there is one.
# Every imported library becomes the archive beside it; Debian's packages have both.

# Paths of shared libraries in `list` become those of the archives beside them.
function(quire_archives_of list result)
  set(archives)
  foreach(item IN LISTS ${list})
    # Alone: the arguments of one if() are expanded before any of it matches.
    if(IS_ABSOLUTE "${item}" AND item MATCHES "^(.*/lib[^/]*)\\.so[.0-9]*$")
      set(archive "${CMAKE_MATCH_1}.a")
      # OpenBLAS has kernels for every processor, 23 MB; what is left to BLAS here does without.
      string(REGEX REPLACE "/lib(blas|lapack)\\.a$" "/\\1/lib\\1.a" plain "${archive}")
      foreach(candidate IN ITEMS "${plain}" "${archive}")
        if(EXISTS "${candidate}")
          set(item "${candidate}")
          break()
        endif()
      endforeach()
    elseif(item MATCHES "^(-l)?re2$")  # as its package names it
      set(item -l:libre2.a)
    endif()
    list(APPEND archives "${item}")
  endforeach()
  set(${result} "${archives}" PARENT_SCOPE)
endfunction()

function(quire_use_archives target)
  foreach(property IMPORTED_LOCATION IMPORTED_LOCATION_NONE IMPORTED_LOCATION_RELEASE
          IMPORTED_LOCATION_RELWITHDEBINFO INTERFACE_LINK_LIBRARIES)
    get_target_property(value ${target} ${property})
    if(value)
      quire_archives_of(value archives)
      set_target_properties(${target} PROPERTIES ${property} "${archives}")
    endif()
  endforeach()
endfunction()

get_property(imported DIRECTORY PROPERTY IMPORTED_TARGETS)
foreach(target IN LISTS imported)
  get_target_property(type ${target} TYPE)
  if(NOT type STREQUAL "EXECUTABLE")
    quire_use_archives(${target})
  endif()
endforeach()
# The shared libraries say what they need in themselves, so their targets do not.
get_target_property(rocksdb_needs RocksDB::rocksdb INTERFACE_LINK_LIBRARIES)
set_target_properties(RocksDB::rocksdb-shared PROPERTIES INTERFACE_LINK_LIBRARIES "${rocksdb_needs}")

# fmt and spdlog come as shared libraries and as headers, not as archives: libraries of our own, in
# their place under their names. Definitions stay, so that objects are those of other builds.
foreach(name fmt spdlog)
  add_library(quire_portable_${name} STATIC ${CMAKE_CURRENT_LIST_DIR}/portable/${name}.cc)
  target_compile_features(quire_portable_${name} PRIVATE cxx_std_20)
  foreach(property COMPILE_DEFINITIONS INCLUDE_DIRECTORIES)
    get_target_property(value ${name}::${name} INTERFACE_${property})
    if(value)
      set_target_properties(quire_portable_${name} PROPERTIES ${property} "${value}")
    endif()
  endforeach()
  set_target_properties(quire_portable_${name} PROPERTIES
    UNITY_BUILD OFF ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  set_target_properties(${name}::${name} PROPERTIES
    IMPORTED_LOCATION_NONE ${CMAKE_BINARY_DIR}/libquire_portable_${name}.a)
endforeach()

# What the archives need. mold and lld take archives in any order.
file(GLOB absl_archives /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/libabsl_*.a)
list(FILTER absl_archives EXCLUDE REGEX "test|mock")
set(needed)
foreach(name address_sorting cares crypto gfortran gpr grpc icuuc quadmath re2 ssl upb yaml-cpp z)
  find_library(QUIRE_ARCHIVE_${name} lib${name}.a REQUIRED
    HINTS ${CMAKE_CXX_IMPLICIT_LINK_DIRECTORIES})
  list(APPEND needed ${QUIRE_ARCHIVE_${name}})
endforeach()

# ICU's data is 31 MB of which we use rules for breaking text and tables for normalizing it.
find_program(QUIRE_ICUPKG icupkg REQUIRED PATHS /usr/sbin)
set(icu_directory ${CMAKE_BINARY_DIR}/icu)
set(icu_assembly ${icu_directory}/icu_data.S)
add_custom_command(OUTPUT ${icu_assembly}
  COMMAND ${CMAKE_SOURCE_DIR}/cmake/reduce_icu_data.sh ${QUIRE_ICUPKG}
    /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/libicudata.a ${icu_directory}
  DEPENDS ${CMAKE_SOURCE_DIR}/cmake/reduce_icu_data.sh VERBATIM)
enable_language(ASM)
add_library(quire_icu_data STATIC ${icu_assembly})

add_library(quire_archives INTERFACE)
target_link_libraries(quire_archives INTERFACE
  quire_icu_data ${needed} ${absl_archives} ${CMAKE_DL_LIBS})
# For every program that is linked from here on.
link_libraries(quire_archives)
# Functions that nothing calls are left out, one by one.
add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-ffunction-sections>
  $<$<COMPILE_LANGUAGE:CXX>:-fdata-sections>)
add_link_options(-static-libstdc++ -static-libgcc -Wl,--gc-sections -Wl,--exclude-libs,ALL)
set(CMAKE_SKIP_RPATH ON)
