package redisstore_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/redistest"
)

func TestOpenReaches(t *testing.T) {
	const password = `p@ss/1:?#[%&]+ ü`
	escaped := url.QueryEscape(password)
	escaped = strings.ReplaceAll(escaped, "+", "%20")
	dir := t.TempDir()
	ca, cert, key := certificate(t, dir)
	socket := filepath.Join(dir, "redis.sock")
	plain := redistest.Start(t, "--unixsocket", socket)
	locked := redistest.Start(t, "--requirepass", password)
	acl := redistest.Start(t, "--user", "app", "on", ">secret", "~*", "+@all")
	tlsPort := freePort(t)
	redistest.Start(t, "--tls-port", tlsPort, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", ca, "--tls-auth-clients", "no")
	for _, tc := range []struct{ name, url string }{
		{"a server", "redis://" + plain.Addr()},
		{"a server by the scheme of Valkey", "valkey://" + plain.Addr() + "/0"},
		{"a database", "redis://" + plain.Addr() + "/3"},
		{"a unix socket", "unix://" + socket},
		{"a database on a unix socket", "unix://" + socket + "?db=2"},
		{"a server with a password that needs escaping", "redis://:" + escaped + "@" + locked.Addr()},
		{"a server as a user", "redis://app:secret@" + acl.Addr() + "/1"},
		{"a server by TLS with a CA of its own", "rediss://127.0.0.1:" + tlsPort + "?ca_file=" + url.QueryEscape(ca)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := open(t, tc.url, &redisstore.Options{Timeout: 5 * time.Second})
			if err := s.Set(t.Context(), "key", []byte("value"), time.Hour); err != nil {
				t.Errorf("Set: %v", err)
			}
		})
	}
	t.Run("no server by TLS whose CA it does not know", func(t *testing.T) {
		s := open(t, "rediss://127.0.0.1:"+tlsPort, &redisstore.Options{Timeout: 5 * time.Second})
		if err := s.Ping(t.Context()); !errors.Is(err, redisstore.ErrTLS) {
			t.Errorf("Ping: %v; want ErrTLS", err)
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	for _, tc := range []struct{ name, url, want string }{
		{"a malformed URL", "redis://u:secret@[::1", "the URL is malformed"},
		{"a URL with a colon too many", "redis://u:secret@h:1:2", "the URL is malformed"},
		{"a port that is no number", "redis://:secret@h:port", "the URL is malformed"},
		{"an unknown scheme", "http://u:secret@h", "an unknown scheme"},
		{"no scheme", "localhost:6379", "an unknown scheme"},
		{"nothing", "", "an unknown scheme"},
		{"a database that is no number", "redis://:secret@h/one", "a database that is not a number"},
		{"a negative database", "redis://:secret@h/-1", "a database that is not a number"},
		{"an unknown parameter", "redis://:secret@h?pool_size=3", "a parameter that is not known"},
		{"a password after a question mark", "redis://h?secret", "a parameter that is not known"},
		{"a user without a password", "redis://app@h", "a user without a password"},
		{"a CA without TLS", "redis://:secret@h?ca_file=/ca.pem", "a parameter that is not known"},
		{"a CA file that is not there", "rediss://:secret@h?ca_file=/nowhere/ca.pem", "/nowhere/ca.pem"},
		{"a CA file without a certificate", "rediss://:secret@h?ca_file=url_test.go", "holds no certificate"},
		{"a socket without a path", "unix://", "names no socket"},
		{"several hosts of one server", "redis://:secret@h1:1,h2:2", "several hosts"},
		{"a cluster with a database", "redis+cluster://:secret@h1:1,h2:2/3", "which a cluster does not have"},
		{"a cluster with a host that is empty", "redis+cluster://:secret@h1:1,,h2:2", "an empty place"},
		{"a sentinel without the name of the master", "redis+sentinel://:secret@h1:1,h2:2", "does not name the master"},
		{"a sentinel's user without a password", "redis+sentinel://h1:1/m?sentinel_user=u", "a sentinel_user without"},
		{"a sentinel's password where there is none", "redis://h1?sentinel_password=secret", "a parameter that is not known"},
		{"a parameter twice", "unix:///s?db=1&db=2", "a parameter twice"},
		{"a kind that nobody knows", "redis+ring://:secret@h1", "an unknown scheme"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := redisstore.Open(t.Context(), tc.url, nil)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("Open: %v; want %q", err, tc.want)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}

func FuzzOpen(f *testing.F) {
	for _, seed := range []string{"redis://u:hunter2@h:1/2", "rediss://:hunter2@[::1]:6379", "unix:///s?db=1", "valkey://h/x", "redis+cluster://a:1,b:2", "redis://%zz:hunter2@h"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		s, err := redisstore.Open(t.Context(), raw, nil)
		if err == nil {
			_ = s.Close()
			return
		}
		if strings.Contains(err.Error(), "hunter2") && !strings.Contains(raw, "?") {
			t.Errorf("Open(%q) shows the password: %v", raw, err)
		}
	})
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// certificate writes a certificate for the loopback address that is its own CA.
func certificate(t *testing.T, dir string) (ca, cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cert = write("cert.pem", "CERTIFICATE", der)
	return cert, cert, write("key.pem", "PRIVATE KEY", keyDER)
}
