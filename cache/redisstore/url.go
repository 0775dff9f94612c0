package redisstore

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// grammar is what an error says is allowed. Errors never quote the URL: it may hold a password.
const grammar = "redis[s]://user:password@host:6379/1?ca_file=…, valkey[s]://… or unix:///run/redis.sock?db=1"

// parseURL returns the address, the credentials and the database that the URL names.
func parseURL(raw string) (*redis.Options, error) {
	scheme, _, _ := strings.Cut(raw, "://")
	if strings.HasSuffix(scheme, "+cluster") || strings.HasSuffix(scheme, "+sentinel") {
		return nil, fmt.Errorf("the scheme %q is not built in yet; allowed: %s", scheme, grammar)
	}
	u, err := url.Parse(raw)
	if err != nil || strings.Contains(u.Hostname(), ":") && !strings.HasPrefix(u.Host, "[") {
		return nil, fmt.Errorf("the URL is malformed; allowed: %s", grammar)
	}
	o := &redis.Options{Username: u.User.Username()}
	o.Password, _ = u.User.Password()
	if o.Username != "" && o.Password == "" {
		return nil, errors.New("the URL has a user without a password, whom the client would not send; allowed: both, or neither")
	}
	switch u.Scheme {
	case "redis", "valkey":
	case "rediss", "valkeys":
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: u.Hostname()}
	case "unix":
		return o, parseUnix(o, u)
	default:
		return nil, fmt.Errorf("the URL has an unknown scheme; allowed: %s", grammar)
	}
	return o, parseTCP(o, u)
}

func parseTCP(o *redis.Options, u *url.URL) error {
	host, port := u.Hostname(), u.Port()
	if host == "" {
		host = "localhost"
	}
	if port == "" {
		port = "6379"
	}
	o.Network, o.Addr = "tcp", net.JoinHostPort(host, port)
	if o.TLSConfig != nil {
		o.TLSConfig.ServerName = host
	}
	if db := strings.TrimPrefix(u.Path, "/"); db != "" {
		if err := setDatabase(o, db); err != nil {
			return err
		}
	}
	for name, values := range u.Query() {
		if name != "ca_file" || o.TLSConfig == nil {
			return errors.New("the URL has a parameter that is not known; allowed: ca_file, with rediss:// or valkeys://")
		}
		if err := setRoots(o.TLSConfig, values[0]); err != nil {
			return err
		}
	}
	return nil
}

func parseUnix(o *redis.Options, u *url.URL) error {
	if u.Host != "" || u.Path == "" {
		return errors.New("the URL names no socket; allowed: unix:///path/of/the.sock?db=1")
	}
	o.Network, o.Addr = "unix", u.Path
	for name, values := range u.Query() {
		if name != "db" {
			return errors.New("the URL has a parameter that is not known; allowed with unix://: db")
		}
		if err := setDatabase(o, values[0]); err != nil {
			return err
		}
	}
	return nil
}

func setDatabase(o *redis.Options, s string) error {
	db, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return errors.New("the URL has a database that is not a number; allowed: 0 or more")
	}
	o.DB = int(db)
	return nil
}

// dialer makes connections that are given up at once when they are closed: what was written and not yet sent is thrown away. A
// write that timed out would otherwise still be delivered, by the kernel, after the Delete that was to undo it.
func dialer(o *redis.Options) func(ctx context.Context, network, addr string) (net.Conn, error) {
	dial := redis.NewDialer(o)
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		raw := conn
		if t, ok := conn.(*tls.Conn); ok {
			raw = t.NetConn()
		}
		if t, ok := raw.(*net.TCPConn); ok {
			err = t.SetLinger(0)
		}
		return conn, err
	}
}

func setRoots(c *tls.Config, file string) error {
	pem, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("ca_file: %w", err)
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(pem) {
		return fmt.Errorf("ca_file: %s holds no certificate in PEM", file)
	}
	return nil
}
