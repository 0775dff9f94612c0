package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
	"text/template"
)

// nginxConfig is the fastest that was found for both lengths: files of the cache stay open, a body is sent with its header at once, connections are spread over
// the workers, those to the origin stay open. sendfile, which Debian's own has, sends the header by itself, and together with tcp_nopush has the longer body wait
// 40 ms on loopback. There are as many workers as a Go program has processors, by the count that a container's limit goes into.
const nginxConfig = `
{{with .User}}user {{.}};{{end}}
worker_processes {{.Workers}};
daemon off;
pid {{.Dir}}/pid;
error_log {{.Dir}}/said;
events { worker_connections 1024; }
http {
	access_log off;
	sendfile off;
	output_buffers 1 128k;
	keepalive_requests 1000000000;
	open_file_cache max=1000 inactive=1h;
	open_file_cache_valid 1h;
	client_body_temp_path {{.Dir}}/body;
	proxy_temp_path {{.Dir}}/proxy;
	fastcgi_temp_path {{.Dir}}/fastcgi;
	uwsgi_temp_path {{.Dir}}/uwsgi;
	scgi_temp_path {{.Dir}}/scgi;
	proxy_cache_path {{.Dir}}/cache levels=1:2 keys_zone=bench:10m max_size=512m inactive=1h use_temp_path=off;
	upstream origin {
		server {{.Origin}};
		keepalive 256;
	}
	server {
		listen {{.Address}} reuseport;
		location / {
			proxy_pass http://origin;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_set_header Host $http_host;
			proxy_cache bench;
			proxy_cache_lock on;
		}
	}
}
`

// startNginx returns an nginx with a cache in front of the origin.
func startNginx(ctx context.Context, b *bench, origin string) (*proxy, error) {
	path, err := findNginx()
	if err != nil {
		return nil, err
	}
	p, err := newProxy(ctx, "nginx")
	if err != nil {
		return nil, err
	}
	config, err := p.configure(origin)
	if err == nil {
		err = p.start(ctx, path, "-p", p.dir, "-c", config)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", path, err), p.stop())
	}
	b.note(fmt.Sprintf("nginx: %s, %d workers", nginxVersion(ctx, path), runtime.GOMAXPROCS(0)))
	return p, nil
}

// findNginx looks where Debian puts it too, which is in root's PATH only.
func findNginx() (string, error) {
	for _, name := range []string{"nginx", "/usr/local/sbin/nginx", "/usr/sbin/nginx"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is no nginx in PATH" + httpAdvice)
}

// configure writes the configuration and returns its path.
func (p *proxy) configure(origin string) (string, error) {
	var text bytes.Buffer
	account, err := workersAccount()
	if err != nil {
		return "", err
	}
	err = template.Must(template.New("nginx").Parse(nginxConfig)).Execute(&text, struct {
		User, Dir, Origin, Address string
		Workers                    int
	}{account, p.dir, origin, p.address, runtime.GOMAXPROCS(0)})
	if err != nil {
		return "", err
	}
	path := filepath.Join(p.dir, "nginx.conf")
	return path, os.WriteFile(path, text.Bytes(), 0o600)
}

// workersAccount is root with its group where root runs this: else the workers would be somebody who may not enter the directory. Other users cannot change it.
func workersAccount() (string, error) {
	if os.Getuid() != 0 {
		return "", nil
	}
	u, err := user.Current()
	if err != nil {
		return "", err
	}
	g, err := user.LookupGroupId(u.Gid)
	if err != nil {
		return "", err
	}
	return u.Username + " " + g.Name, nil
}

func nginxVersion(ctx context.Context, path string) string {
	out, _ := exec.CommandContext(ctx, path, "-v").CombinedOutput() // without it the version stays unknown
	return strings.TrimSpace(strings.TrimPrefix(string(out), "nginx version: nginx/"))
}
