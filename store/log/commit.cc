// SPDX-License-Identifier: Apache-2.0
#include "log/commit.h"

#include "keys/hash.h"
#include "names/name.h"

namespace coffer {
namespace {

constexpr std::string_view kMagic = "CFRC";
constexpr std::uint16_t kFormat = 1;
constexpr std::string_view kSignContext = "coffer/commit-sign/1";
constexpr std::string_view kHashContext = "coffer/commit-hash/1";

Bytes signed_message(const SigningPublic& signer, ByteView body) {
    ByteWriter out;
    out.raw(as_bytes(kSignContext));
    out.u16(kFormat);
    out.fixed(signer);
    out.raw(body);
    return out.take();
}

// ---- encoding

template <class Segments>
void write_segments(ByteWriter& out, const Segments& value) {
    out.lp(value.org);
    out.lp(value.project);
    out.lp(value.domain);
}

struct FieldWriter {
    ByteWriter& out;
    void operator()(const PrincipalAdd& op) const {
        out.lp(op.name);
        out.u8(static_cast<std::uint8_t>(op.role));
        write_segments(out, op.pattern);
        out.fixed(op.recipient.signing);
        out.fixed(op.recipient.sealing);
    }
    void operator()(const PrincipalRemove& op) const { out.fixed(op.principal); }
    void operator()(const ScopeKeyAdd& op) const {
        out.fixed(op.id);
        write_segments(out, op.scope);
        out.u8(static_cast<std::uint8_t>(op.visibility));
        out.u32(op.generation);
        out.fixed(op.public_half);
    }
    void operator()(const Grant& op) const {
        out.fixed(op.scope_key);
        out.fixed(op.principal);
        out.fixed(op.sealed);
    }
    void operator()(const Put& op) const {
        out.fixed(op.scope_key);
        out.lp(op.key);
        out.u64(op.version);
        out.u64(op.sealed_as);
        out.u64(op.not_after_ms);
        out.fixed(op.payload);
        out.u32(op.padded_len);
    }
    void operator()(const Remove& op) const { write_name_and_version(op.name, op.version); }
    void operator()(const Purge& op) const { write_name_and_version(op.name, op.version); }
    void write_name_and_version(const SecretName& name, std::uint64_t version) const {
        write_segments(out, name.scope);
        out.lp(name.key);
        out.u64(version);
    }
};

// ---- decoding: every field is checked here for its form; what it may mean is decided at replay

Result<std::string> read_key(ByteReader& in) {
    std::string key = in.lp_text();
    if (in.ok()) COFFER_CHECK(check_key(key));
    return key;
}

template <class Segments>
Result<Segments> read_segments(ByteReader& in) {
    std::string org = in.lp_text(), project = in.lp_text(), domain = in.lp_text();
    if (!in.ok()) return Segments{};  // the caller reports the short read
    return Segments::make(org, project, domain);
}

template <class Enum>
Result<Enum> read_enum(ByteReader& in, Enum last, std::string_view what) {
    std::uint8_t value = in.u8();
    if (in.ok() && (value < 1 || value > static_cast<std::uint8_t>(last)))
        return refuse(Code::tampered, "commit.enum", what, ' ', unsigned{value},
                      " is unknown; expected 1 to ", unsigned{static_cast<std::uint8_t>(last)});
    return static_cast<Enum>(value);
}

Result<Operation> read_principal_add(ByteReader& in) {
    PrincipalAdd op;
    op.name = in.lp_text();
    if (in.ok()) COFFER_CHECK(check_segment("principal name", op.name));
    COFFER_TRY(op.role, read_enum(in, Role::host, "role"));
    COFFER_TRY(op.pattern, read_segments<Pattern>(in));
    auto signing = in.fixed<SigningPublic>();
    auto sealing = in.fixed<SealingPublic>();
    if (!in.ok()) return op;
    auto recipient = Recipient::make(signing, sealing);
    if (!recipient) return refuse(Code::tampered, "principal-add.public-key", recipient.error().message);
    op.recipient = *recipient;
    return op;
}

Result<Operation> read_scope_key(ByteReader& in) {
    ScopeKeyAdd op;
    op.id = in.fixed<ScopeKeyId>();
    COFFER_TRY(op.scope, read_segments<Scope>(in));
    COFFER_TRY(op.visibility, read_enum(in, Visibility::restricted, "visibility"));
    op.generation = in.u32();
    op.public_half = in.fixed<SealingPublic>();
    if (in.ok() && !is_safe_public_key(op.public_half))
        return refuse(Code::tampered, "scope-key.public-key",
                      "a scope key of low order, which everybody could open");
    return op;
}

Result<Operation> read_put(ByteReader& in) {
    Put op;
    op.scope_key = in.fixed<ScopeKeyId>();
    COFFER_TRY(op.key, read_key(in));
    op.version = in.u64();
    op.sealed_as = in.u64();
    op.not_after_ms = in.u64();
    op.payload = in.fixed<Hash>();
    op.padded_len = in.u32();
    if (in.ok() && !is_padded_size(op.padded_len))
        return refuse(Code::tampered, "put.padded-length", "a padded length of ", op.padded_len,
                      ", which no value has");
    return op;
}

template <class Op>
Result<Operation> read_name_and_version(ByteReader& in) {
    Op op;
    COFFER_TRY(op.name.scope, read_segments<Scope>(in));
    COFFER_TRY(op.name.key, read_key(in));
    op.version = in.u64();
    return op;
}

Result<Operation> read_fields(std::uint8_t type, ByteReader& in) {
    switch (type) {
        case 1:
            return read_principal_add(in);
        case 2:
            return PrincipalRemove{in.fixed<PrincipalId>()};
        case 3:
            return read_scope_key(in);
        case 4: {
            Grant op;
            op.scope_key = in.fixed<ScopeKeyId>();
            op.principal = in.fixed<PrincipalId>();
            op.sealed = in.fixed<SealedScopeKey>();
            return op;
        }
        case 5:
            return read_put(in);
        case 6:
            return read_name_and_version<Remove>(in);
        case 7:
            return read_name_and_version<Purge>(in);
        default:
            return refuse(Code::tampered, "commit.operation-type", "operation type ", unsigned{type},
                          " is unknown; expected 1 to 7");
    }
}

Result<Operation> read_operation(ByteReader& body) {
    std::uint8_t type = body.u8();
    ByteReader fields(body.lp());
    if (!body.ok()) return refuse(Code::tampered, "commit.truncated", "the body ends within an operation");
    COFFER_TRY(auto operation, read_fields(type, fields));
    if (!fields.ok())
        return refuse(Code::tampered, "commit.truncated", "the fields of a ", operation_name(operation),
                      " are too short");
    if (!fields.at_end())
        return refuse(Code::tampered, "commit.trailing-bytes", fields.left(),
                      " bytes behind the fields of a ", operation_name(operation));
    return operation;
}

}  // namespace

Bytes encode_body(const CommitBody& body) {
    ByteWriter out;
    out.fixed(body.store);
    out.u64(body.revision);
    out.fixed(body.previous);
    out.u64(body.time_ms);
    out.u32(static_cast<std::uint32_t>(body.operations.size()));
    for (const Operation& operation : body.operations) {
        ByteWriter fields;
        std::visit(FieldWriter{fields}, operation);
        out.u8(static_cast<std::uint8_t>(operation.index() + 1));
        out.lp(fields.bytes());
    }
    return out.take();
}

Result<Bytes> sign_commit(const CommitBody& body, const Identity& signer) {
    if (body.operations.empty() || body.operations.size() > kMaxOperations)
        return fail(Code::limit, "a commit holds 1 to ", kMaxOperations, " operations, this one ",
                    body.operations.size());
    Bytes encoded = encode_body(body);
    ByteWriter out;
    out.raw(as_bytes(kMagic));
    out.u16(kFormat);
    out.fixed(signer.recipient().signing);
    out.fixed(signer.sign(signed_message(signer.recipient().signing, encoded)));
    out.lp(encoded);
    if (out.bytes().size() > kMaxCommit)
        return fail(Code::limit, "a commit has at most ", kMaxCommit, " bytes, this one ",
                    out.bytes().size());
    return out.take();
}

Result<CommitEnvelope> parse_envelope(ByteView commit) {
    if (commit.size() > kMaxCommit)
        return refuse(Code::tampered, "commit.too-large", "a commit of ", commit.size(), " bytes; at most ",
                      kMaxCommit);
    ByteReader in(commit);
    CommitEnvelope envelope;
    envelope.whole = commit;
    if (as_text(in.raw(kMagic.size())) != kMagic)
        return refuse(Code::tampered, "commit.magic", "no commit: it does not start with \"CFRC\"");
    std::uint16_t format = in.u16();
    if (in.ok() && format != kFormat)
        return refuse(Code::tampered, "commit.format", "commit format ", format,
                      "; this program knows format ", kFormat);
    envelope.signer = in.fixed<SigningPublic>();
    envelope.signature = in.fixed<Signature>();
    envelope.body = in.lp();
    if (!in.ok()) return refuse(Code::tampered, "commit.truncated", "the commit ends too early");
    if (!in.at_end())
        return refuse(Code::tampered, "commit.trailing-bytes", in.left(), " bytes behind the commit's body");
    return envelope;
}

bool signature_holds(const CommitEnvelope& envelope) {
    return verify_signature(envelope.signer, signed_message(envelope.signer, envelope.body),
                            envelope.signature);
}

Result<CommitBody> decode_body(ByteView bytes) {
    ByteReader in(bytes);
    CommitBody body;
    body.store = in.fixed<StoreId>();
    body.revision = in.u64();
    body.previous = in.fixed<Hash>();
    body.time_ms = in.u64();
    std::uint32_t count = in.u32();
    if (!in.ok()) return refuse(Code::tampered, "commit.truncated", "the body ends within its header");
    if (count < 1 || count > kMaxOperations)
        return refuse(Code::tampered, "commit.operation-count", count, " operations; expected 1 to ",
                      kMaxOperations);
    body.operations.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        COFFER_TRY(auto operation, read_operation(in));
        body.operations.push_back(std::move(operation));
    }
    if (!in.at_end())
        return refuse(Code::tampered, "commit.trailing-bytes", in.left(), " bytes behind the last operation");
    return body;
}

Hash commit_hash(ByteView commit) {
    return hash256(kHashContext, {commit});
}

}  // namespace coffer
