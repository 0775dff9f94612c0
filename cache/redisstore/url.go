package redisstore

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// grammar is what an error says is allowed. Errors never quote the URL: it may hold a password.
const grammar = "redis[s]://user:password@host:6379/1?ca_file=…, valkey[s]://…, unix:///run/redis.sock?db=1, redis[s]+cluster://host:7000,host:7001 or " +
	"redis[s]+sentinel://host:26379,host:26379/mymaster/0"

var errMalformed = errors.New("the URL is malformed; allowed: " + grammar)

// target is what a URL names.
type target struct {
	kind     string // "", "unix", "cluster" or "sentinel"
	addrs    []string
	username string
	password string
	database int
	tls      *tls.Config // nil without TLS

	master           string // by which name sentinels know it
	sentinelUsername string
	sentinelPassword string
}

func parseURL(raw string) (target, error) {
	scheme, rest, _ := strings.Cut(raw, "://")
	var t target
	if err := t.setScheme(scheme); err != nil {
		return target{}, err
	}
	// net/url knows one host. It parses the first; the others are taken apart here.
	authority, tail := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, tail = rest[:i], rest[i:]
	}
	at := strings.LastIndex(authority, "@") + 1
	hosts := strings.Split(authority[at:], ",")
	if len(hosts) > 1 && !t.several() {
		return target{}, errors.New("the URL has several hosts; allowed: with redis+cluster:// and redis+sentinel://")
	}
	u, err := url.Parse("redis://" + authority[:at] + hosts[0] + tail)
	if err != nil || u.Fragment != "" {
		return target{}, errMalformed
	}
	t.username = u.User.Username()
	t.password, _ = u.User.Password()
	if t.username != "" && t.password == "" {
		return target{}, errors.New("the URL has a user without a password, whom the client would not send; allowed: both, or neither")
	}
	if err := t.setAddrs(u, hosts); err != nil {
		return target{}, err
	}
	if err := t.setPath(u.Path); err != nil {
		return target{}, err
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return target{}, errMalformed
	}
	return t, t.setParameters(query)
}

// several tells whether there may be more than one host.
func (t *target) several() bool { return t.kind == "cluster" || t.kind == "sentinel" }

func (t *target) setScheme(scheme string) error {
	scheme, kind, several := strings.Cut(strings.ToLower(scheme), "+")
	switch {
	case several && kind != "cluster" && kind != "sentinel":
		return errors.New("the URL has an unknown scheme; allowed: " + grammar)
	case scheme == "unix" && !several:
		t.kind = "unix"
	case scheme == "redis", scheme == "valkey":
		t.kind = kind
	case scheme == "rediss", scheme == "valkeys":
		// Without a name here it is the host's that the certificate must have.
		t.kind, t.tls = kind, &tls.Config{MinVersion: tls.VersionTLS12}
	default:
		return errors.New("the URL has an unknown scheme; allowed: " + grammar)
	}
	return nil
}

func (t *target) setAddrs(first *url.URL, hosts []string) error {
	if t.kind == "unix" {
		if first.Host != "" || strings.Trim(first.Path, "/") == "" {
			return errors.New("the URL names no socket; allowed: unix:///path/of/the.sock?db=1")
		}
		t.addrs = []string{first.Path}
		return nil
	}
	for _, host := range hosts {
		u, err := url.Parse("redis://" + host)
		if err != nil || u.Path != "" || u.User != nil || strings.Contains(u.Hostname(), ":") && !strings.HasPrefix(u.Host, "[") {
			return errMalformed
		}
		name, port := u.Hostname(), u.Port()
		switch {
		case name == "" && t.several():
			return errors.New("the URL has an empty place in its list of hosts")
		case name == "":
			name = "localhost"
		}
		switch {
		case port == "" && t.kind == "sentinel":
			port = "26379"
		case port == "":
			port = "6379"
		}
		t.addrs = append(t.addrs, net.JoinHostPort(name, port))
	}
	return nil
}

// setPath reads the database from where the kind has it: for a socket, whose path is its own, that is a parameter.
func (t *target) setPath(path string) error {
	if t.kind == "unix" {
		return nil
	}
	path = strings.TrimPrefix(path, "/")
	if t.kind == "sentinel" {
		if t.master, path, _ = strings.Cut(path, "/"); t.master == "" {
			return errors.New("the URL does not name the master; allowed: redis+sentinel://host:26379/mymaster/0")
		}
	}
	if path == "" {
		return nil
	}
	return t.setDatabase(path)
}

func (t *target) setParameters(query url.Values) error {
	for name, values := range query {
		switch {
		case len(values) > 1:
			return errors.New("the URL has a parameter twice")
		case name == "db" && t.kind == "unix":
			if err := t.setDatabase(values[0]); err != nil {
				return err
			}
		case name == "ca_file" && t.tls != nil:
			if err := setRoots(t.tls, values[0]); err != nil {
				return err
			}
		case name == "sentinel_user" && t.kind == "sentinel":
			t.sentinelUsername = values[0]
		case name == "sentinel_password" && t.kind == "sentinel":
			t.sentinelPassword = values[0]
		default:
			return errors.New("the URL has a parameter that is not known; allowed: ca_file with TLS, db with unix://, and sentinel_user and " +
				"sentinel_password with a sentinel")
		}
	}
	if t.sentinelUsername != "" && t.sentinelPassword == "" {
		return errors.New("the URL has a sentinel_user without a sentinel_password, whom the client would not send; allowed: both, or neither")
	}
	return nil
}

func (t *target) setDatabase(s string) error {
	db, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return errors.New("the URL has a database that is not a number; allowed: 0 or more")
	}
	if t.kind == "cluster" && db != 0 {
		return errors.New("the URL has a database other than 0, which a cluster does not have; allowed: 0, or none")
	}
	t.database = int(db)
	return nil
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
