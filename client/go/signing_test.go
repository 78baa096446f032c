package genesis

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// Every client makes the same signature of the same request; the vectors are shared by all languages.
func TestSignaturesAreThoseOfEveryOtherClient(t *testing.T) {
	text, err := os.ReadFile("../../tests/conformance/signing.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Secret, Method, Tenant, Agent, Key, Nonce, Signature string
		Time                                                 int64
		Body                                                 string `json:"body_base64"`
	}
	if err := json.Unmarshal(text, &vectors); err != nil || len(vectors) == 0 {
		t.Fatalf("%d vectors, %v", len(vectors), err)
	}
	for _, one := range vectors {
		body, err := base64.StdEncoding.DecodeString(one.Body)
		if err != nil {
			t.Fatal(err)
		}
		made := Signature{one.Secret, one.Method, one.Tenant, one.Agent, one.Key, one.Time, one.Nonce, body}.Hex()
		if made != one.Signature {
			t.Errorf("%s of %s: %s, not %s", one.Method, one.Agent, made, one.Signature)
		}
	}
}

// The header has the parts in the order the server takes, and a fresh nonce each time.
func TestSignedHeaderHasItsPartsAndAFreshNonce(t *testing.T) {
	signer, err := newSigner("2026-11:secret:with:colons", "builder", "acme")
	if err != nil {
		t.Fatal(err)
	}
	first, second := signer.header("/m", nil), signer.header("/m", nil)
	if !strings.HasPrefix(first, "Genesis-HMAC-SHA256 tenant=acme,agent=builder,key=2026-11,time=") {
		t.Error(first)
	}
	nonce := func(header string) string { return strings.Split(strings.Split(header, "nonce=")[1], ",")[0] }
	if nonce(first) == nonce(second) || len(nonce(first)) != 24 {
		t.Errorf("nonces %s and %s", nonce(first), nonce(second))
	}
	if signer.secret != "secret:with:colons" {
		t.Error("a secret may have colons")
	}
}

// A key that cannot be used is refused before any call.
func TestKeysThatCannotBeUsedAreRefused(t *testing.T) {
	for _, key := range []string{"", "k1", "k1:", ":secret", "k 1:secret", "k,1:secret"} {
		if _, err := newSigner(key, "builder", ""); err == nil {
			t.Errorf("%q was taken", key)
		} else if strings.Contains(err.Error(), "secret\"") {
			t.Errorf("the secret is in the error: %v", err)
		}
	}
}
