// Package genesis is the Go client of Genesis, the control plane of multi-agent systems.
//
// [Connect] gives a [Client] with the generated stubs of all services over one connection that takes care of deadlines, retries, request
// ids, credentials and errors. Package worker makes functions into an agent that takes tasks.
package genesis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	genesisadminv1 "genesis-orchestrator.dev/client/go/genesis/admin/v1"
	genesisv1 "genesis-orchestrator.dev/client/go/genesis/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health" // client-side health checking
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
)

// Version is that of the client; it travels in the user agent.
const Version = "0.1.0"

const (
	keepaliveTime    = 60 * time.Second
	keepaliveTimeout = 20 * time.Second
	// gRPC's own second is longer than a server takes to start again, and its two minutes are longer than a lease.
	firstReconnect   = 200 * time.Millisecond
	longestReconnect = 5 * time.Second
	connectTimeout   = 20 * time.Second
)

// Client is a connection to a server, or to several of them ("dns:///name:port"). It is safe for use by many goroutines.
type Client struct {
	// Orchestrator plans, routes, judges and keeps plans.
	Orchestrator genesisv1.OrchestratorServiceClient
	// Agents is where workers join; see package worker.
	Agents genesisv1.AgentServiceClient
	// Policy steers rulebooks and breakers.
	Policy genesisadminv1.PolicyServiceClient
	// Flags steers feature flags.
	Flags genesisadminv1.FlagAdminServiceClient

	connection *grpc.ClientConn
}

// Connect makes a client. Nothing is sent before the first call. It fails when the options contradict each other.
func Connect(target string, options Options) (*Client, error) {
	if err := options.check(target); err != nil {
		return nil, err
	}
	dial, err := options.dial(target)
	if err != nil {
		return nil, err
	}
	connection, err := grpc.NewClient(target, dial...)
	if err != nil {
		return nil, fmt.Errorf("the target cannot be used: %w", err)
	}
	return &Client{
		Orchestrator: genesisv1.NewOrchestratorServiceClient(connection),
		Agents:       genesisv1.NewAgentServiceClient(connection),
		Policy:       genesisadminv1.NewPolicyServiceClient(connection),
		Flags:        genesisadminv1.NewFlagAdminServiceClient(connection),
		connection:   connection,
	}, nil
}

// Conn is the connection itself, for stubs of your own and calls by name.
func (c *Client) Conn() grpc.ClientConnInterface { return c.connection }

// Health asks grpc.health.v1 for a service: "" for all, "liveness", "readiness", or the full name of one.
func (c *Client) Health(ctx context.Context, service string) (healthv1.HealthCheckResponse_ServingStatus, error) {
	answer, err := healthv1.NewHealthClient(c.connection).Check(ctx, &healthv1.HealthCheckRequest{Service: service})
	return answer.GetStatus(), err
}

// Close ends the connection, and with it all calls.
func (c *Client) Close() error { return c.connection.Close() }

func (o Options) dial(target string) ([]grpc.DialOption, error) {
	transport, err := o.transport()
	if err != nil {
		return nil, err
	}
	own := &calls{timeout: o.timeout(), retry: !o.NoRetry}
	if o.AgentKey != "" {
		if own.signer, err = newSigner(o.AgentKey, o.Agent, o.Tenant); err != nil {
			return nil, err
		}
	}
	dial := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithUserAgent("genesis-go/" + Version),
		// A signed call is good once, and gRPC would send the same signature again: signed calls are repeated by the interceptor.
		grpc.WithDefaultServiceConfig(serviceConfig(!o.NoRetry && own.signer == nil, !o.NoHealthChecking)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveTime, Timeout: keepaliveTimeout}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: firstReconnect, Multiplier: 1.6, Jitter: 0.2, MaxDelay: longestReconnect},
			MinConnectTimeout: connectTimeout,
		}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(o.maxBytes()), grpc.MaxCallSendMsgSize(o.maxBytes())),
		grpc.WithUnaryInterceptor(own.unary),
		grpc.WithStreamInterceptor(own.stream),
	}
	if source := o.tokens(); source != nil {
		dial = append(dial, grpc.WithPerRPCCredentials(bearer{source: source, secure: o.secure()}))
	}
	if isLoopback(target) {
		// A proxy named in the environment cannot reach this machine's loopback.
		dial = append(dial, grpc.WithNoProxy())
	}
	return dial, nil
}

func (o Options) transport() (credentials.TransportCredentials, error) {
	if !o.secure() {
		return insecure.NewCredentials(), nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: o.ServerName}
	roots := o.RootCertificates
	if o.RootCertificatesFile != "" {
		var err error
		if roots, err = os.ReadFile(o.RootCertificatesFile); err != nil {
			return nil, fmt.Errorf("the root certificates cannot be read: %w", err)
		}
	}
	if len(roots) > 0 {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(roots) {
			return nil, errors.New("there is no certificate in the root certificates: give them as PEM")
		}
	}
	if len(o.ClientCertificate) > 0 {
		pair, err := tls.X509KeyPair(o.ClientCertificate, o.ClientKey)
		if err != nil {
			return nil, fmt.Errorf("the client certificate and its key cannot be used: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return credentials.NewTLS(config), nil
}

type bearer struct {
	source TokenSource
	secure bool
}

func (b bearer) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	token, err := b.source(ctx)
	if err != nil {
		return nil, fmt.Errorf("there is no token: %w", err)
	}
	return map[string]string{"authorization": "Bearer " + token}, nil
}

func (b bearer) RequireTransportSecurity() bool { return b.secure }
