// SPDX-License-Identifier: Apache-2.0
#include "vectors/key_vectors.h"

#include "keys/identity_file.h"
#include "support/log_builder.h"
#include "vectors/vector_file.h"
#include "view/watermark.h"

namespace coffer::test {
namespace {

constexpr std::string_view kPassphrase = "correct horse battery staple";

VectorFile begin(const std::string& comment, const std::string& kind, const std::string& expect) {
    VectorFile file;
    file.add("comment", comment);
    file.add("kind", kind);
    file.add("expect", expect);
    return file;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    auto at = text.find(from);
    if (at == text.npos) throw std::runtime_error("nothing to replace");
    return text.replace(at, from.size(), to);
}

void write_identities(const std::filesystem::path& folder) {
    for (std::uint8_t number : {std::uint8_t{1}, std::uint8_t{2}, std::uint8_t{255}}) {
        auto identity = numbered_identity(number);
        auto file = begin("the keys that a seed gives", "identity", "accept");
        file.add("seed", to_hex(identity.seed()));
        file.add("signing", identity.recipient().signing.hex());
        file.add("sealing", identity.recipient().sealing.hex());
        file.add("watermark-key", to_hex(identity.watermark_key()));
        file.add("id", identity.id().hex());
        file.add("recipient", identity.recipient().text());
        file.add("message", to_hex(as_bytes("message")));
        file.add("signature", identity.sign(as_bytes("message")).hex());
        file.write(folder / concat("identity-", number, ".vector"));
    }
}

void write_identity_file(const std::filesystem::path& folder, const std::string& name,
                         const std::string& comment, const std::string& rule, std::string_view text) {
    auto file = begin(comment, "identity-file", rule.empty() ? "accept" : "refuse " + rule);
    file.add("file", to_hex(as_bytes(text)));
    file.add("passphrase", to_hex(as_bytes(kPassphrase)));
    if (rule.empty()) file.add("seed", to_hex(numbered_identity(1).seed()));
    file.write(folder / ("identity-file-" + name + ".vector"));
}

void write_identity_files(const std::filesystem::path& folder) {
    auto identity = numbered_identity(1), other = numbered_identity(2);
    std::string plain(as_text(encode_identity(identity).value().view()));
    auto write = [&](const std::string& name, const std::string& comment, const std::string& rule,
                     const std::string& text) { write_identity_file(folder, name, comment, rule, text); };
    write("accept-plain", "a seed in the clear", "", plain);
    write("refuse-identity.format", "a later format", "identity.format",
          replaced(plain, "identity 1", "identity 2"));
    write("refuse-identity.line", "the seed is missing", "identity.line",
          plain.substr(0, plain.find("seed: ")));
    write("refuse-identity.line-2", "upper case", "identity.line",
          plain.substr(0, plain.size() - 3) + "0A\n");
    write("refuse-identity.line-3", "no line feed at the end", "identity.line",
          plain.substr(0, plain.size() - 1));
    write("refuse-identity.trailing-bytes", "a line behind the seed", "identity.trailing-bytes",
          plain + "\n");
    write("refuse-identity.public-half", "another identity's public key", "identity.public-half",
          replaced(plain, identity.recipient().sealing.hex(), other.recipient().sealing.hex()));

    auto accepted = folder / "identity-file-accept-argon2id.vector";
    if (!std::filesystem::exists(accepted)) {
        auto sealed = encode_identity(identity, as_bytes(kPassphrase), Argon2Cost{2, 8u << 20}).value();
        write("accept-argon2id", "a seed under a passphrase", "", std::string(as_text(sealed.view())));
    }
    std::string hex = VectorFile::read(accepted).one("file");
    std::string sealed(hex.size() / 2, '\0');
    if (!from_hex(hex, std::span(reinterpret_cast<std::uint8_t*>(sealed.data()), sealed.size())))
        throw std::runtime_error("no hexadecimal in " + accepted.string());
    write("refuse-identity.spelling", "an integer with a zero in front", "identity.spelling",
          replaced(sealed, "operations: 2", "operations: 02"));
    write("refuse-identity.cost", "a cost that would fill the memory", "identity.cost",
          replaced(sealed, "memory: 8388608", "memory: 1099511627776"));
    write("refuse-identity.passphrase", "the costs are bound to the seed", "identity.passphrase",
          replaced(sealed, "operations: 2", "operations: 3"));
    write("refuse-identity.passphrase-2", "so are the public keys", "identity.passphrase",
          replaced(sealed, identity.recipient().sealing.hex(), other.recipient().sealing.hex()));
}

void write_watermarks(const std::filesystem::path& folder) {
    auto identity = numbered_identity(4);
    Hash head;
    head.bytes.fill(0x5c);
    Watermark mark{LogBuilder().view.pin(), {77, head}};
    auto write = [&](const std::string& name, const std::string& comment, bool accepted,
                     const std::string& text, ByteView key) {
        auto file = begin(comment, "watermark", accepted ? "accept" : "refuse");
        file.add("file", to_hex(as_bytes(text)));
        if (!key.empty()) file.add("key", to_hex(key));
        if (accepted) file.add("pin", pin_text(mark));
        file.write(folder / ("watermark-" + name + ".vector"));
    };
    auto keyed = mark.encode(identity.watermark_key()), open = mark.encode({});
    auto other = numbered_identity(5);
    write("accept-keyed", "a daemon's watermark", true, keyed, identity.watermark_key());
    write("accept-none", "a tool's watermark", true, open, {});
    write("refuse-revision", "the revision was lowered", false,
          replaced(keyed, "revision: 77", "revision: 76"), identity.watermark_key());
    write("refuse-key", "written under another identity", false, keyed, other.watermark_key());
    write("refuse-none", "a daemon takes none without a mac", false, open, identity.watermark_key());
    write("refuse-spelling", "a zero in front", false, replaced(open, "revision: 77", "revision: 077"), {});
}

void write_patterns(const std::filesystem::path& folder) {
    auto file = begin("which scopes a pattern contains and meets", "pattern", "accept");
    for (auto pattern : {"*/*/*", "acme/*/*", "acme/checkout/*", "acme/*/production",
                         "acme/checkout/production", "*/*/staging", "other/*/*"}) {
        for (auto scope : {"acme/*/*", "acme/checkout/*", "acme/*/production", "acme/checkout/production",
                           "acme/checkout/staging", "acme/billing/production"}) {
            Pattern p = Pattern::parse(pattern).value();
            Scope s = Scope::parse(scope).value();
            file.add("row", concat(pattern, ' ', scope, contains(p, s) ? " contains" : " -",
                                   meets(p, s) ? " meets" : " -"));
        }
    }
    file.write(folder / "pattern.vector");
}

}  // namespace

void write_key_vectors(const std::filesystem::path& folder) {
    write_identities(folder);
    write_identity_files(folder);
    write_watermarks(folder);
    write_patterns(folder);
}

}  // namespace coffer::test
