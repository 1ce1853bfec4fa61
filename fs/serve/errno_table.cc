// SPDX-License-Identifier: Apache-2.0
#include "serve/errno_table.h"

#include <cerrno>

namespace coffer {

int to_errno(Code code) {
    switch (code) {
        case Code::invalid:
            return EINVAL;
        case Code::not_found:
            return ENOENT;
        case Code::not_allowed:
            return EACCES;
        case Code::conflict:
            return EAGAIN;
        case Code::tampered:
        case Code::unavailable:
        case Code::failed:
            return EIO;
        case Code::no_key:
            return ENOKEY;
        case Code::expired:
            return EKEYEXPIRED;
        case Code::revoked:
            return EKEYREVOKED;
        case Code::limit:
            return EMFILE;
        case Code::read_only:
            return EROFS;
    }
    return EIO;
}

}  // namespace coffer
