package app_test

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/servertest"
)

// command runs "server sessions" and returns what it wrote and its exit code.
func command(t *testing.T, env []string, args ...string) (out string, code int) {
	t.Helper()
	p := servertest.Start(t, os.Args[0], append([]string{"APP_TEST_PROGRAM=accounts"}, env...), append([]string{"sessions"}, args...)...)
	code = p.Wait()
	return p.Output(), code
}

// logIn logs a user in at a process. What is returned tells who the service takes them for.
func logIn(t *testing.T, p *servertest.Process, user string) (who func() string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}}
	ask := func(method, path string) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, p.URL()+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var who string
		_, _ = fmt.Fscan(res.Body, &who) // an empty body is nobody
		return who
	}
	ask(http.MethodPost, "/login/"+user)
	return func() string { return ask(http.MethodGet, "/who") }
}

func TestAnOperatorListsAndEndsSessions(t *testing.T) {
	for name, env := range map[string][]string{
		"redis":  {"APP_CACHE_BACKEND=redis", "APP_CACHE_STORAGE_URL=" + redistest.Start(t).URL()},
		"tiered": {"APP_CACHE_BACKEND=tiered", "APP_CACHE_STORAGE_URL=" + redistest.Start(t).URL()},
		"file":   {"APP_STORES=sessions=file", "APP_CACHE_FILE_PATH=" + t.TempDir()},
	} {
		t.Run(name, func(t *testing.T) {
			env = append(env, "APP_SESSION_SECURE=false")
			p := start(t, "accounts", env...).Ready()
			alice, also, bob, carol := logIn(t, p, "alice"), logIn(t, p, "alice"), logIn(t, p, "bob"), logIn(t, p, "carol")
			is := func(who func() string, want string) {
				t.Helper()
				if got := who(); got != want {
					t.Errorf("it is %q, want %q", got, want)
				}
			}
			run := func(code int, want string, args ...string) string {
				t.Helper()
				out, got := command(t, env, args...)
				if got != code || !strings.Contains(out, want) {
					t.Errorf("sessions %q: code %d, want %d, and %q in\n%s", args, got, code, want, out)
				}
				return out
			}
			is(alice, "alice")
			out := run(0, "ID  ", "list")
			row := regexp.MustCompile(`(?m)^([\w-]{43})  (20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ)  (20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ)  (\w+)$`)
			rows := row.FindAllStringSubmatch(out, -1)
			if len(rows) != 4 || strings.Count(out, "\n") != 5 {
				t.Fatalf("of 4 sessions %d rows:\n%s", len(rows), out)
			}
			if rows := row.FindAllStringSubmatch(run(0, "", "list", "--user", "bob"), -1); len(rows) != 1 || rows[0][4] != "bob" {
				t.Errorf("bob's are %q", rows)
			}
			for _, r := range rows {
				if r[4] == "bob" {
					run(0, "1 session ended", "delete", r[1])
					run(1, "there is no session", "delete", r[1])
				}
			}
			is(bob, "")
			is(carol, "carol")

			run(1, "nothing was ended, for nobody can be asked: this is no terminal; allowed: with --yes", "delete", "--user", "alice")
			is(alice, "alice")
			run(0, "2 sessions ended", "delete", "--user", "alice", "--yes")
			is(alice, "")
			is(also, "")
			is(carol, "carol")

			run(1, "allowed: with --yes", "clear")
			is(carol, "carol")
			run(0, "1 session ended", "--yes", "clear")
			is(carol, "")
			if out := run(0, "ID  ", "list"); strings.Count(out, "\n") != 1 {
				t.Errorf("after clear there are\n%s", out)
			}
		})
	}
}

func TestClearingSessionsLeavesWhatIsNotOne(t *testing.T) {
	url := redistest.Start(t).URL()
	client := redistest.Client(t, url+"/1")
	kept := []string{"cache:x", "cache.sessions:other", "cache.sessions:s.short", "cache.sessions2:x", "s.x", "cache.rate_limit:x"}
	for _, key := range kept {
		if err := client.Set(t.Context(), key, "1", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"APP_CACHE_BACKEND=redis", "APP_CACHE_STORAGE_URL=" + url, "APP_SESSION_SECURE=false"}
	p := start(t, "accounts", env...).Ready()
	who := logIn(t, p, "alice")
	if out, code := command(t, env, "clear", "--yes"); code != 0 || who() != "" {
		t.Errorf("code %d\n%s", code, out)
	}
	if n, err := client.Exists(t.Context(), kept...).Result(); err != nil || int(n) != len(kept) {
		t.Errorf("%d of %d other keys are left, %v", n, len(kept), err)
	}
}

func TestSessionsCommandLines(t *testing.T) {
	for _, c := range []struct {
		name string
		env  []string
		args []string
		code int
		want string
	}{
		{"memory has them for the server alone", nil, []string{"list"}, 1,
			"APP_CACHE_BACKEND=memory: sessions are in the memory of the server, which no other process can see; allowed: a backend that processes share, as in APP_STORES=sessions=redis, or file"},
		{"memory, of all backends, for them alone", []string{"APP_CACHE_BACKEND=file", "APP_STORES=sessions=memory"}, []string{"clear", "--yes"}, 1,
			"APP_STORES=sessions=memory: sessions are in the memory of the server"},
		{"none has none", []string{"APP_CACHE_BACKEND=none"}, []string{"list"}, 1, "APP_CACHE_BACKEND=none keeps nothing"},
		{"the settings have a mistake", []string{"APP_CACHE_BACKEND=redsi"}, []string{"list"}, 1, "APP_CACHE_BACKEND=redsi: unknown backend"},
		{"the service has no sessions", []string{"APP_TEST_PROGRAM=plain"}, []string{"list"}, 1, "sessions: the service has none; allowed: with Builder.Sessions"},
		{"the server is down", []string{"APP_CACHE_BACKEND=redis", "APP_REDIS_PORT=1"}, []string{"list"}, 1, "session: list: "},
		{"no command", nil, nil, 2, "sessions: what to do is missing; allowed: list, delete, clear"},
		{"an unknown command", nil, []string{"show"}, 2, `the command line "show" is not one of these`},
		{"help", nil, []string{"-h"}, 0, "server sessions delete --user NAME"},
		{"help, in a word", nil, []string{"help"}, 0, "server sessions delete --user NAME"},
		{"a flag that there is not", nil, []string{"list", "--all"}, 2, "flag provided but not defined: -all"},
		{"deleting whatever there is", nil, []string{"delete"}, 2, `the command line "delete" is not one of these`},
		{"deleting a user's and some", nil, []string{"delete", "x", "--user", "alice"}, 2, "is not one of these"},
		{"a user without a name", nil, []string{"delete", "--user="}, 2, "sessions: --user is empty"},
		{"ids that look like flags", []string{"APP_STORES=sessions=file"}, []string{"delete", "-" + strings.Repeat("A", 42), "--" + strings.Repeat("A", 41)}, 1,
			"there is no session \"-AAA"},
		{"clearing one", nil, []string{"clear", "x"}, 2, "is not one of these"},
		{"clearing a user's", nil, []string{"clear", "--user", "alice"}, 2, "is not one of these"},
		{"an id that is none", []string{"APP_STORES=sessions=file"}, []string{"delete", "x"}, 1, "session: delete: the id has 1 bytes; allowed: the 43 characters of base64url that List gives"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if out, code := command(t, c.env, c.args...); code != c.code || !strings.Contains(out, c.want) {
				t.Errorf("code %d, want %d, and %q in\n%s", code, c.code, c.want, out)
			}
		})
	}
}

func TestANameCannotPlayWithTheTerminal(t *testing.T) {
	env := []string{"APP_STORES=sessions=file", "APP_CACHE_FILE_PATH=" + t.TempDir(), "APP_SESSION_SECURE=false"}
	p := start(t, "accounts", env...).Ready()
	for _, name := range []string{"%1b%5b2J", "a%20b", "-", "%22x%22", "j%C3%BCrgen", "%0afake"} {
		logIn(t, p, name)
	}
	out, _ := command(t, env, "list")
	for _, want := range []string{`"\x1b[2J"`, `"a b"`, `"-"`, `"\"x\""`, "jürgen", `"\nfake"`} {
		if !strings.Contains(out, "  "+want+"\n") {
			t.Errorf("there is no %s in\n%q", want, out)
		}
	}
}
