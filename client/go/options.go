package genesis

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

const (
	defaultTimeout  = 30 * time.Second
	defaultMaxBytes = 64 << 20
)

// TokenSource gives a fresh bearer token for a call.
type TokenSource func(ctx context.Context) (string, error)

// Options say how to talk to a server. The zero value is good for a server on this machine.
type Options struct {
	// Token says who the caller is. In plain text it is sent to this machine only.
	Token string
	// TokenSource gives the token anew for each call, instead of Token.
	TokenSource TokenSource
	// InsecureToken allows the token to be sent in plain text to another machine.
	InsecureToken bool
	// AgentKey is an agent's key, "key-id:secret". Every call is signed with it, instead of a token; the secret itself is not sent.
	AgentKey string
	// Agent is the id of the agent that AgentKey belongs to.
	Agent string
	// Tenant is that agent's tenant; "default" when empty.
	Tenant string
	// TLS uses TLS with the roots of this machine. Certificates and ServerName imply it.
	TLS bool
	// RootCertificates says whom to trust, as PEM; the roots of this machine when empty.
	RootCertificates []byte
	// RootCertificatesFile is a file with RootCertificates.
	RootCertificatesFile string
	// ClientCertificate is the certificate chain of this client for mutual TLS, as PEM.
	ClientCertificate []byte
	// ClientKey is the private key of ClientCertificate, as PEM.
	ClientKey []byte
	// ServerName is the name to check the server's certificate against, when it differs from the target.
	ServerName string
	// Timeout is the deadline of unary calls whose context has none, over all tries; 30 s when zero. Streams have none of their own.
	Timeout time.Duration
	// NoRetry switches off that calls are repeated when no server answers.
	NoRetry bool
	// NoHealthChecking keeps using servers that say NOT_SERVING on grpc.health.v1.
	NoHealthChecking bool
	// MaxMessageBytes is the largest message to send or take; 64 MiB when zero.
	MaxMessageBytes int
}

func (o Options) secure() bool {
	return o.TLS || len(o.RootCertificates) > 0 || o.RootCertificatesFile != "" || len(o.ClientCertificate) > 0 || o.ServerName != ""
}

func (o Options) check(target string) error {
	switch {
	case strings.TrimSpace(target) == "":
		return errors.New("the target is empty: name a server, for example 127.0.0.1:50051")
	case (len(o.ClientCertificate) > 0) != (len(o.ClientKey) > 0):
		return errors.New("a client certificate needs its key: give both or neither")
	case len(o.RootCertificates) > 0 && o.RootCertificatesFile != "":
		return errors.New("give the root certificates themselves or their file, one of the two")
	case o.Token != "" && o.TokenSource != nil:
		return errors.New("give a token or a source of tokens, one of the two")
	case (o.AgentKey != "") != (o.Agent != ""):
		return errors.New("AgentKey needs the agent it belongs to: give both or neither")
	case o.AgentKey != "" && o.tokens() != nil:
		return errors.New("a call has a token or is signed with an AgentKey: give one of the two")
	case o.Timeout < 0 || o.MaxMessageBytes < 0:
		return errors.New("give a Timeout and MaxMessageBytes from 0")
	case o.tokens() != nil && !o.secure() && !o.InsecureToken && !isLoopback(target):
		return fmt.Errorf("the token would travel to %s in plain text: use TLS, or InsecureToken when the network is private", target)
	}
	return nil
}

func (o Options) tokens() TokenSource {
	if o.Token != "" {
		return func(context.Context) (string, error) { return o.Token, nil }
	}
	return o.TokenSource
}

func (o Options) timeout() time.Duration {
	if o.Timeout == 0 {
		return defaultTimeout
	}
	return o.Timeout
}

func (o Options) maxBytes() int {
	if o.MaxMessageBytes == 0 {
		return defaultMaxBytes
	}
	return o.MaxMessageBytes
}

// isLoopback tells whether a gRPC target is on this machine: localhost, a loopback address or a Unix socket.
func isLoopback(target string) bool {
	if strings.HasPrefix(target, "unix:") || strings.HasPrefix(target, "unix-abstract:") {
		return true
	}
	for _, scheme := range []string{"dns:", "passthrough:"} {
		if rest, found := strings.CutPrefix(target, scheme); found {
			target = rest[strings.LastIndex(rest, "/")+1:]
		}
	}
	host := target
	if port, err := netip.ParseAddrPort(target); err == nil {
		return port.Addr().IsLoopback()
	}
	if strings.Count(target, ":") == 1 {
		host, _, _ = strings.Cut(target, ":")
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && address.IsLoopback()
}
