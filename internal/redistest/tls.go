//go:build unix

package redistest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// TLS is a Server that speaks TLS only, with a certificate for 127.0.0.1, ::1 and localhost from an authority of its
// own. It asks its clients for no certificate.
type TLS struct {
	*Server
	ca string
}

// StartTLS is Start for a server that speaks TLS only. It fails t where the server was built without TLS. --port,
// --tls-port and the certificates belong to StartTLS.
func StartTLS(t testing.TB, args ...string) *TLS {
	t.Helper()
	s := newServer(t, args)
	files, pool, err := writeCertificates(s.dir)
	if err != nil {
		t.Fatalf("make certificates for the test's Redis: %v", err)
	}
	s.tls = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	s.launch(1, func(ports []int) []string {
		return s.dataLine(
			"--port", "0", "--tls-port", strconv.Itoa(ports[0]), "--tls-auth-clients", "no",
			"--tls-ca-cert-file", files.ca, "--tls-cert-file", files.cert, "--tls-key-file", files.key,
		)
	})
	return &TLS{Server: s, ca: files.ca}
}

// CAFile returns the path of the authority's certificate in PEM, by which clients know the server. The file goes with
// the test.
func (s *TLS) CAFile() string { return s.ca }

// URL returns the server's URL, rediss://127.0.0.1:port?ca_file=path, without a database or a password. The ca_file is
// not a parameter of redis.ParseURL.
func (s *TLS) URL() string { return "rediss://" + s.Addr() + "?ca_file=" + url.QueryEscape(s.ca) }

// certificates are the paths of files in PEM.
type certificates struct{ ca, cert, key string }

// writeCertificates writes new certificates into dir. The pool has that of the authority.
func writeCertificates(dir string) (certificates, *x509.CertPool, error) {
	files := certificates{filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "redistest"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	server := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return files, nil, err
	}
	serverKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return files, nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(serverKey)
	if err != nil {
		return files, nil, err
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		return files, nil, err
	}
	serverDER, err := x509.CreateCertificate(rand.Reader, server, ca, serverKey.Public(), caKey)
	if err != nil {
		return files, nil, err
	}
	pool := x509.NewCertPool()
	caPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER})
	pool.AppendCertsFromPEM(caPEM)
	if err := os.WriteFile(files.ca, caPEM, 0o600); err != nil {
		return files, nil, err
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: serverDER})
	if err := os.WriteFile(files.cert, certPEM, 0o600); err != nil {
		return files, nil, err
	}
	return files, pool, os.WriteFile(files.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600)
}
