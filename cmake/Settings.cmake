# SPDX-License-Identifier: Apache-2.0
# Every target of the project links coffer_settings: warnings, sanitizers, hardening.
add_library(coffer_settings INTERFACE)
target_compile_options(coffer_settings INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow
    $<$<BOOL:${COFFER_WERROR}>:-Werror>)
# g++ 12 sees std::string's own copies as out of bounds or overlapping (GCC bugs 105329, 105651, mended in 13).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(coffer_settings INTERFACE -Wno-array-bounds -Wno-restrict)
endif()

if(COFFER_SANITIZE)
    target_compile_options(coffer_settings INTERFACE
        -fsanitize=${COFFER_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(coffer_settings INTERFACE -fsanitize=${COFFER_SANITIZE})
else()
    target_compile_options(coffer_settings INTERFACE
        -fstack-protector-strong -fstack-clash-protection -fcf-protection=full
        $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE> $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
    # A library is in a program's list only if the program calls it: tests/hardening compares.
    target_link_options(coffer_settings INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack,-z,text -Wl,--as-needed)
endif()

# A program that secrets pass through. What is resolved at its first call saves the processor's registers on the stack,
# and with them pieces of what was copied last. The program itself is bound at its start (-z now), and so are the
# libraries that it takes secrets to; libstdc++ is not, and so becomes part of the program. Not for one that uses another
# library in C++, as cofferd does spdlog: there would be two of it.
function(coffer_handles_secrets target)
    if(NOT COFFER_SANITIZE)
        target_link_options(${target} PRIVATE -static-libstdc++ -static-libgcc)
    endif()
endfunction()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX)
