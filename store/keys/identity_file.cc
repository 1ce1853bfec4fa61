// SPDX-License-Identifier: Apache-2.0
#include "keys/identity_file.h"

#include <sodium.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "keys/private_file.h"
#include "keys/stack.h"

namespace coffer {
namespace {

constexpr std::string_view kFirstLine = "coffer identity 1\n";
constexpr std::size_t kMaxFile = 4096;
constexpr std::size_t kSealedSeedSize = kSeedSize + crypto_aead_xchacha20poly1305_ietf_ABYTES;

using Salt = FixedBytes<struct SaltTag, crypto_pwhash_SALTBYTES>;
using Nonce = FixedBytes<struct NonceTag, crypto_aead_xchacha20poly1305_ietf_NPUBBYTES>;
static_assert(Salt::kSize == 16 && Nonce::kSize == 24 && kSealedSeedSize == 48);

struct Protection {
    Argon2Cost cost;
    Salt salt;
    Nonce nonce;
};

// Everything of the file above its seed line; none of it is secret.
struct Header {
    Recipient recipient;
    std::optional<Protection> protection;

    [[nodiscard]] std::string text() const {
        std::string out = concat(kFirstLine, "signing: ", recipient.signing.hex(),
                                 "\nsealing: ", recipient.sealing.hex(), "\nprotection: ");
        if (!protection) return out + "none\n";
        return concat(out, "argon2id\noperations: ", protection->cost.operations,
                      "\nmemory: ", protection->cost.memory, "\nsalt: ", protection->salt.hex(),
                      "\nnonce: ", protection->nonce.hex(), '\n');
    }
};

struct ParsedFile {
    Header header;
    std::string_view seed_hex;  // within the text that was parsed
};

Result<void> check_cost(const Argon2Cost& cost) {
    if (cost.operations < 1 || cost.operations > 16 || cost.memory < (8u << 20) || cost.memory > (1u << 30) ||
        cost.memory % 1024 != 0)
        return refuse(Code::invalid, "identity.cost", "Argon2id with ", cost.operations, " operations and ",
                      cost.memory,
                      " bytes; 1 to 16 operations and 8 MiB to 1 GiB (a multiple of 1 KiB) are allowed");
    return {};
}

// No message below quotes the file: it may hold a seed in the clear, or be another secret altogether.
Failure line_expected(std::string_view name) {
    return refuse(Code::invalid, "identity.line", "an identity file with no good line \"", name,
                  "\"; it is damaged or was edited");
}

// Takes the line "NAME: VALUE\n" from the front of `rest`.
Result<std::string_view> take_value(std::string_view& rest, std::string_view name) {
    std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    if (end == rest.npos || !line.starts_with(name) || !line.substr(name.size()).starts_with(": "))
        return line_expected(name);
    rest.remove_prefix(end + 1);
    return line.substr(name.size() + 2);
}

template <class Fixed>
Result<Fixed> take_fixed(std::string_view& rest, std::string_view name) {
    COFFER_TRY(auto value, take_value(rest, name));
    Fixed out;
    if (!from_hex(value, out.bytes)) return line_expected(name);
    return out;
}

Result<std::uint64_t> take_integer(std::string_view& rest, std::string_view name) {
    COFFER_TRY(auto value, take_value(rest, name));
    std::uint64_t out = 0;
    auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), out);
    if (error != std::errc{} || end != value.data() + value.size()) return line_expected(name);
    return out;
}

Result<Protection> take_protection(std::string_view& rest) {
    Protection protection;
    COFFER_TRY(protection.cost.operations, take_integer(rest, "operations"));
    COFFER_TRY(protection.cost.memory, take_integer(rest, "memory"));
    COFFER_CHECK(check_cost(protection.cost));
    COFFER_TRY(protection.salt, take_fixed<Salt>(rest, "salt"));
    COFFER_TRY(protection.nonce, take_fixed<Nonce>(rest, "nonce"));
    return protection;
}

Result<ParsedFile> parse(ByteView file) {
    std::string_view text = as_text(file), rest = text;
    if (!rest.starts_with(kFirstLine))
        return refuse(Code::invalid, "identity.format",
                      "no identity file of this format: it does not start with \"coffer identity 1\"");
    rest.remove_prefix(kFirstLine.size());
    ParsedFile parsed;
    COFFER_TRY(auto signing, take_fixed<SigningPublic>(rest, "signing"));
    COFFER_TRY(auto sealing, take_fixed<SealingPublic>(rest, "sealing"));
    COFFER_TRY(parsed.header.recipient, Recipient::make(signing, sealing));
    COFFER_TRY(auto protection, take_value(rest, "protection"));
    if (protection == "argon2id") {
        COFFER_TRY(parsed.header.protection, take_protection(rest));
    } else if (protection != "none") {
        return line_expected("protection");
    }
    // One spelling only: "007" is an integer, but not how this program writes seven.
    if (text.substr(0, text.size() - rest.size()) != parsed.header.text())
        return refuse(Code::invalid, "identity.spelling",
                      "an identity file that is spelled differently from "
                      "how it would be written; it was edited");
    COFFER_TRY(parsed.seed_hex, take_value(rest, "seed"));
    if (!rest.empty())
        return refuse(Code::invalid, "identity.trailing-bytes",
                      "an identity file with something behind its seed");
    return parsed;
}

// header | "seed: " | hex | "\n", the hex written straight into locked memory.
Result<SecretBuffer> assemble(const Header& header, ByteView seed) {
    std::string front = header.text() + "seed: ";
    COFFER_TRY(auto text, SecretBuffer::allocate(front.size() + 2 * seed.size() + 1));
    auto out = text.writable();
    std::memcpy(out.data(), front.data(), front.size());
    auto hex = out.subspan(front.size());
    // Constant time; ends with a NUL, which the line feed replaces.
    sodium_bin2hex(reinterpret_cast<char*>(hex.data()), hex.size(), seed.data(), seed.size());
    hex.back() = '\n';
    return text;
}

// The inverse. Upper case and odd lengths are refused by writing it again and comparing.
Result<SecretBuffer> read_hex(std::string_view hex, std::size_t size) {
    if (hex.size() != 2 * size) return line_expected("seed");
    COFFER_TRY(auto out, SecretBuffer::allocate(size));
    COFFER_TRY(auto again, SecretBuffer::allocate(hex.size() + 1));
    std::size_t written = 0;
    const char* end = nullptr;
    int error = sodium_hex2bin(out.writable().data(), size, hex.data(), hex.size(), nullptr, &written, &end);
    sodium_bin2hex(reinterpret_cast<char*>(again.writable().data()), again.size(), out.view().data(), size);
    again.shrink(hex.size());
    if (error != 0 || written != size || end != hex.data() + hex.size() || !again.equals(as_bytes(hex)))
        return line_expected("seed");
    return out;
}

Result<SecretBuffer> derive_key(ByteView passphrase, const Protection& protection) {
    COFFER_TRY(auto key, SecretBuffer::allocate(crypto_aead_xchacha20poly1305_ietf_KEYBYTES));
    // Nobody's passphrase is empty, but a wrong answer may be, and libsodium takes no null pointer.
    const char* text = passphrase.empty() ? "" : reinterpret_cast<const char*>(passphrase.data());
    const bool good =
        crypto_pwhash(key.writable().data(), key.size(), text, passphrase.size(),
                      protection.salt.bytes.data(), protection.cost.operations,
                      static_cast<std::size_t>(protection.cost.memory), crypto_pwhash_ALG_ARGON2ID13) == 0;
    wipe_stack();
    if (!good)
        return fail(Code::limit, "not enough memory for Argon2id, which needs ", protection.cost.memory,
                    " bytes");
    return key;
}

Result<SecretBuffer> open_seed(const ParsedFile& parsed, const PassphraseSource& ask) {
    if (!parsed.header.protection) return read_hex(parsed.seed_hex, kSeedSize);
    COFFER_TRY(auto sealed, read_hex(parsed.seed_hex, kSealedSeedSize));
    if (!ask)
        return fail(Code::not_allowed,
                    "the identity is under a passphrase, and there is nobody to ask for it");
    COFFER_TRY(auto passphrase, ask());
    COFFER_TRY(auto key, derive_key(passphrase.view(), *parsed.header.protection));
    COFFER_TRY(auto seed, SecretBuffer::allocate(kSeedSize));
    std::string header = parsed.header.text();
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            seed.writable().data(), nullptr, nullptr, sealed.view().data(), sealed.size(),
            as_bytes(header).data(), header.size(), parsed.header.protection->nonce.bytes.data(),
            key.view().data()) != 0)
        return refuse(Code::not_allowed, "identity.passphrase",
                      "the passphrase is wrong, or the identity file was edited; `coffer identity show` says"
                      " whose it is");
    return seed;
}

}  // namespace

Result<SecretBuffer> encode_identity(const Identity& identity) {
    return assemble(Header{identity.recipient(), std::nullopt}, identity.seed());
}

Result<SecretBuffer> encode_identity(const Identity& identity, ByteView passphrase, Argon2Cost cost) {
    if (passphrase.empty()) return fail(Code::invalid, "an empty passphrase protects nothing; choose one");
    COFFER_CHECK(check_cost(cost));
    Header header{identity.recipient(), Protection{cost, {}, {}}};
    randombytes_buf(header.protection->salt.bytes.data(), Salt::kSize);
    randombytes_buf(header.protection->nonce.bytes.data(), Nonce::kSize);
    COFFER_TRY(auto key, derive_key(passphrase, *header.protection));
    std::array<std::uint8_t, kSealedSeedSize> sealed;
    std::string text = header.text();
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed.data(), nullptr, identity.seed().data(), kSeedSize,
                                               as_bytes(text).data(), text.size(), nullptr,
                                               header.protection->nonce.bytes.data(), key.view().data());
    return assemble(header, sealed);
}

Result<Identity> decode_identity(ByteView text, const PassphraseSource& passphrase) {
    COFFER_TRY(auto parsed, parse(text));
    COFFER_TRY(auto seed, open_seed(parsed, passphrase));
    COFFER_TRY(auto identity, Identity::from_seed(std::move(seed)));
    if (identity.recipient() != parsed.header.recipient)
        return refuse(Code::tampered, "identity.public-half",
                      "an identity file whose public keys are not those of its seed; it was edited");
    return identity;
}

Result<Identity> load_identity(const std::filesystem::path& path, const PassphraseSource& passphrase) {
    COFFER_TRY(auto text, read_private_file(path, kMaxFile));
    auto identity = decode_identity(text.view(), passphrase);
    if (!identity) return wrap(std::move(identity).error(), '"', path.native(), '"');
    return identity;
}

Result<void> save_identity(const std::filesystem::path& path, const SecretBuffer& text) {
    return create_private_file(path, text.view());
}

Result<Recipient> load_recipient(const std::filesystem::path& path) {
    COFFER_TRY(auto text, read_private_file(path, kMaxFile));
    auto parsed = parse(text.view());
    if (!parsed) return wrap(std::move(parsed).error(), '"', path.native(), '"');
    return parsed->header.recipient;
}

}  // namespace coffer
