package genesis

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
)

const nonceBytes = 18

// Signature is what AgentSignature signs, and with what.
type Signature struct {
	// Secret of the key.
	Secret string
	// Method is its full name, for example "/genesis.v1.AgentService/Register".
	Method string
	// Tenant of the agent.
	Tenant string
	// Agent is its id.
	Agent string
	// Key is the key's id.
	Key string
	// Time in seconds since 1970; the server takes those within a minute of its own.
	Time int64
	// Nonce is at least 16 random bytes in URL-safe base64, good for one request.
	Nonce string
	// Body is the request as it is sent; empty for a stream of requests.
	Body []byte
}

// Hex is the signature in lower-case hexadecimal: HMAC-SHA256 over a text of eight lines, as docs/agents.md has it. It is here to be
// checked against; a client with an AgentKey signs by itself.
func (s Signature) Hex() string {
	body := sha256.Sum256(s.Body)
	at := strconv.FormatInt(s.Time, 10)
	lines := []string{"genesis-hmac-sha256", s.Method, s.Tenant, s.Agent, s.Key, at, s.Nonce, hex.EncodeToString(body[:])}
	signed := hmac.New(sha256.New, []byte(s.Secret))
	signed.Write([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(signed.Sum(nil))
}

// signer signs the calls of one agent with one key.
type signer struct {
	tenant, agent, key, secret string
	now                        func() time.Time
	nonce                      func() string
}

func newSigner(agentKey, agent, tenant string) (*signer, error) {
	key, secret, found := strings.Cut(agentKey, ":")
	if !found || key == "" || secret == "" {
		return nil, errors.New("AgentKey is not of the form key-id:secret")
	}
	if tenant == "" {
		tenant = "default"
	}
	for _, word := range []string{tenant, agent, key} {
		for _, letter := range word {
			if letter <= ' ' || letter > '~' || strings.ContainsRune(`,="`, letter) {
				return nil, fmt.Errorf("%q cannot stand in a signed call: give a word without blanks, commas, quotes and equals signs", word)
			}
		}
	}
	return &signer{tenant: tenant, agent: agent, key: key, secret: secret, now: time.Now, nonce: newNonce}, nil
}

func newNonce() string {
	bytes := make([]byte, nonceBytes)
	// It never fails, as crypto/rand says.
	_, _ = rand.Read(bytes)
	return base64.RawURLEncoding.EncodeToString(bytes)
}

// header is the authorization of one request: a fresh one each time, for the server takes each once.
func (s *signer) header(method string, body []byte) string {
	what := Signature{s.secret, method, s.tenant, s.agent, s.key, s.now().Unix(), s.nonce(), body}
	return fmt.Sprintf(
		"Genesis-HMAC-SHA256 tenant=%s,agent=%s,key=%s,time=%d,nonce=%s,signature=%s",
		what.Tenant, what.Agent, what.Key, what.Time, what.Nonce, what.Hex(),
	)
}

// encoded is a message as it was signed: two serialisations of one message need not be the same.
type encoded []byte

// signedCodec sends what was signed byte by byte, and reads answers as protobuf.
type signedCodec struct{}

func (signedCodec) Name() string { return "proto" }

func (signedCodec) Marshal(message any) (mem.BufferSlice, error) {
	if bytes, ok := message.(encoded); ok {
		return mem.BufferSlice{mem.SliceBuffer(bytes)}, nil
	}
	known, ok := message.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("%T is no protobuf message", message)
	}
	bytes, err := proto.Marshal(known)
	return mem.BufferSlice{mem.SliceBuffer(bytes)}, err
}

func (signedCodec) Unmarshal(data mem.BufferSlice, message any) error {
	known, ok := message.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is no protobuf message", message)
	}
	return proto.Unmarshal(data.Materialize(), known)
}
