package redistest_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/internal/redistest"
)

func TestATLSServerIsKnownByItsAuthorityAndSpeaksNothingElse(t *testing.T) {
	s := redistest.StartTLS(t)
	if want := "rediss://" + s.Addr() + "?ca_file=" + url.QueryEscape(s.CAFile()); s.URL() != want {
		t.Errorf("URL is %q, want %q", s.URL(), want)
	}
	for _, host := range []string{"127.0.0.1", "localhost", "::1"} {
		if err := pingTLS(t, s, host, true); err != nil {
			t.Errorf("PING by the name %s gives %v", host, err)
		}
	}
	if err := pingTLS(t, s, "cache.example", true); err == nil || !strings.Contains(err.Error(), "cache.example") {
		t.Errorf("PING by another name gives %v, want a refusal of the certificate", err)
	}
	if err := pingTLS(t, s, "127.0.0.1", false); err == nil || !strings.Contains(err.Error(), "unknown authority") {
		t.Errorf("PING without its authority gives %v, want an unknown authority", err)
	}
	if err := ping(t, "redis://"+s.Addr()); err == nil {
		t.Error("PING in plain text is answered")
	}
}

func TestATLSServerIsFrozenKilledAndRestarted(t *testing.T) {
	s := redistest.StartTLS(t, "--requirepass", "x")
	s.Freeze()
	s.Thaw()
	s.Kill()
	if err := pingTLS(t, s, "127.0.0.1", true); err == nil {
		t.Error("PING of a killed server gives no error")
	}
	s.Restart()
	if err := pingTLS(t, s, "127.0.0.1", true); err == nil || !strings.Contains(err.Error(), "NOAUTH") {
		t.Errorf("PING after Restart gives %v, want NOAUTH", err)
	}
}

func pingTLS(t *testing.T, s *redistest.TLS, name string, trusted bool) error {
	t.Helper()
	pool := x509.NewCertPool()
	if trusted {
		text, err := os.ReadFile(s.CAFile())
		if err != nil || !pool.AppendCertsFromPEM(text) {
			t.Fatalf("the CA file holds no certificate (%v)", err)
		}
	}
	client := redis.NewClient(&redis.Options{
		Addr: s.Addr(), MaxRetries: -1, DialerRetries: 1,
		TLSConfig: &tls.Config{RootCAs: pool, ServerName: name, MinVersion: tls.VersionTLS12},
	})
	defer func() { _ = client.Close() }()
	return client.Ping(t.Context()).Err()
}
