package genesis

import (
	"context"
	"strings"
	"testing"
)

// Only targets on this machine may get a token in plain text.
func TestTargetsOnThisMachine(t *testing.T) {
	for target, want := range map[string]bool{
		"127.0.0.1:50051": true, "localhost:1": true, "LOCALHOST": true, "[::1]:50051": true, "::1": true, "unix:/run/genesis.sock": true,
		"dns:///localhost:1": true, "dns:127.0.0.1:1": true, "127.0.0.1": true,
		"10.0.0.1:50051": false, "genesis.example:443": false, "dns:///genesis.example:443": false, "dns://127.0.0.1/genesis.example:443": false,
		"[::2]:1": false, "localhost.example:1": false, "dns://localhost/10.0.0.1:1": false,
	} {
		if isLoopback(target) != want {
			t.Errorf("%s: %v", target, !want)
		}
	}
}

// Options that contradict each other are refused at once, with what to do.
func TestContradictionsAreRefused(t *testing.T) {
	token := func(context.Context) (string, error) { return "t", nil }
	for words, one := range map[string]struct {
		target  string
		options Options
	}{
		"target is empty": {" ", Options{}},
		"needs its key":   {"localhost:1", Options{ClientCertificate: []byte("x")}},
		"one of the two":  {"localhost:1", Options{Token: "t", TokenSource: token}},
		"or their file":   {"localhost:1", Options{RootCertificates: []byte("x"), RootCertificatesFile: "y"}},
		"needs the agent": {"localhost:1", Options{AgentKey: "k:s"}},
		"or is signed":    {"localhost:1", Options{AgentKey: "k:s", Agent: "a", Token: "t"}},
		"in plain text":   {"genesis.example:1", Options{Token: "t"}},
		"cannot be read":  {"localhost:1", Options{RootCertificatesFile: "/no/such/file"}},
		"no certificate":  {"localhost:1", Options{RootCertificates: []byte("x")}},
		"from 0":          {"localhost:1", Options{Timeout: -1}},
		"not of the form": {"localhost:1", Options{AgentKey: "k", Agent: "a"}},
		"cannot be used":  {"localhost:1", Options{ClientCertificate: []byte("x"), ClientKey: []byte("y")}},
	} {
		if _, err := Connect(one.target, one.options); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", words, err)
		}
	}
}

// A token in plain text on a private network is allowed when it is asked for.
func TestPlainTokensCanBeAllowed(t *testing.T) {
	client, err := Connect("genesis.example:1", Options{Token: "t", InsecureToken: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Close(); err != nil {
		t.Error(err)
	}
}
