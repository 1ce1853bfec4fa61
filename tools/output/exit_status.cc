// SPDX-License-Identifier: Apache-2.0
#include "output/exit_status.h"

namespace coffer {

ExitStatus exit_status(Code code) {
    switch (code) {
        case Code::invalid:
            return ExitStatus::usage;
        case Code::not_found:
        case Code::revoked:  // removed or purged: it is not there any more
            return ExitStatus::not_found;
        case Code::not_allowed:
        case Code::no_key:
            return ExitStatus::not_allowed;
        case Code::conflict:
            return ExitStatus::conflict;
        case Code::tampered:
            return ExitStatus::tampered;
        case Code::unavailable:
        case Code::read_only:
            return ExitStatus::unavailable;
        case Code::expired:
        case Code::limit:
        case Code::failed:
            return ExitStatus::failed;
    }
    return ExitStatus::failed;
}

}  // namespace coffer
