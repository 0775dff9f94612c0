package health_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"unicode"
	"unicode/utf8"

	"github.com/larder-go/larder/internal/health"
)

const withheld = "withheld, it may contain credentials"

func TestSafe(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"what cannot hold a secret is shown", "dial tcp 10.0.0.7:6379: connect: connection refused", "dial tcp 10.0.0.7:6379: connect: connection refused"},
		{"the word password alone is no secret", "WRONGPASS invalid username-password pair or user is disabled.", "WRONGPASS invalid username-password pair or user is disabled."},
		{"a refused password is told", "ping: wrong user or password: WRONGPASS invalid username-password pair", "ping: wrong user or password: WRONGPASS invalid username-password pair"},
		{"a Redis URL is withheld", `parse "redis://:hunter2@host:6379": invalid port`, withheld},
		{"a URL without user information is withheld too", "get https://vault/v1/secret: 403", withheld},
		{"a password with spaces and quotes in a URL is withheld", `redis://u:"hunter 2" x@host`, withheld},
		{"a MySQL source name is withheld", "root:hunter2@tcp(db:3306)/shop: refused", withheld},
		{"a PostgreSQL source name is withheld", "host=db user=shop password=hunter2: refused", withheld},
		{"blanks do not hide an assignment", "PASSWORD = hunter2", withheld},
		{"quotes do not hide an assignment", `'token' = hunter2`, withheld},
		{"JSON does not hide an assignment", `{"password": "hunter2"}`, withheld},
		{"quoted JSON does not hide an assignment", `"{\"api_key\":\"hunter2\"}"`, withheld},
		{"several lines become one", "first\nsecond\r\n\x1b[31mred", "first second   [31mred"},
		{"a long text is cut at 200 bytes", strings.Repeat("x", 201), strings.Repeat("x", 200) + "…"},
		{"a cut does not split a character", strings.Repeat("x", 199) + "äöü", strings.Repeat("x", 199) + "…"},
		{"a text that is no UTF-8 becomes it", "a\xffb", "a?b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := health.Safe(tt.text); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestReasonOfWithheldError(t *testing.T) {
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"a system error is told", &url.Error{Op: "Get", URL: "redis://:hunter2@db", Err: dial}, "connection refused (the rest is withheld, it may contain credentials)"},
		{"a timeout is told", fmt.Errorf("redis://:hunter2@db: %w", context.DeadlineExceeded), "timed out (the rest is withheld, it may contain credentials)"},
		{"of anything else nothing is told", errors.New("redis://:hunter2@db: boom"), withheld},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := start(t, health.Options{Details: true}, health.Check{Name: "cache", Run: func(context.Context) error { return tt.err }})
				if got := h.Results()[0].Err.Error(); got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
				if body := get(h.Ready()).Body.String(); strings.Contains(body, "hunter2") || !strings.Contains(body, tt.want) {
					t.Errorf("the probe shows %s", body)
				}
			})
		})
	}
}

func FuzzSafe(f *testing.F) {
	f.Add("dial tcp: refused", "hunter2")
	f.Add(`parse "`, `p"w d\`)
	f.Add("\xff\n", "")
	f.Fuzz(func(t *testing.T, text, password string) {
		got := health.Safe(text)
		if len(got) > 200+len("…") || !utf8.ValidString(got) || strings.ContainsFunc(got, unicode.IsControl) {
			t.Errorf("Safe(%q) = %q is too long, not UTF-8 or not on one line", text, got)
		}
		for _, secret := range []string{"redis://:" + password + "@db:6379", "root:" + password + "@tcp(db)", "password=" + password} {
			if got := health.Safe(text + secret); got != withheld {
				t.Errorf("Safe(%q) = %q", text+secret, got)
			}
		}
	})
}
