//go:build unix

package items_test

import (
	"go/format"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/larder-go/larder/internal/servertest"
	"github.com/larder-go/larder/internal/wait"
)

// switchOn makes code of the three lines of main.go that are there as comments and begin with what.
func switchOn(t *testing.T, program, what string) string {
	t.Helper()
	lines := regexp.MustCompile(`(?m)^(\t+)// (` + regexp.QuoteMeta(what) + `.*\n)(\t+)// (.*\n)(\t+)// (\}.*\n)`)
	if n := len(lines.FindAllString(program, -1)); n != 1 {
		t.Fatalf("main.go has three commented lines that begin with %q %d times; the README says once", what, n)
	}
	program = lines.ReplaceAllString(program, "$1$2$3$4$5$6")
	formatted, err := format.Source([]byte(program))
	if err != nil || string(formatted) != program {
		t.Errorf("with the lines main.go is not formatted (%v):\n%s", err, program)
	}
	return program
}

// The README's session, in the built binary.
func TestThreeLinesOfTheProgramCacheWholeResponses(t *testing.T) {
	server := servertest.Start(t, servertest.BuildChanged(t, func(program string) string { return switchOn(t, program, `Use("`) }), nil).Ready()
	ask := func(method, path, body string) (status int, cacheStatus, answer string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, server.URL()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, res.Header.Get("Cache-Status"), string(b)
	}
	const path = "/api/v1/cached-time"
	status, told, first := ask("GET", path, "")
	if want := "larder; fwd=uri-miss; ttl=300; stored"; status != http.StatusOK || told != want {
		t.Errorf("the first answer is %d with Cache-Status: %s, want %s", status, told, want)
	}
	wait.Until(t, func() bool { _, told, _ := ask("GET", path, ""); return strings.HasPrefix(told, "larder; hit; ttl=") })
	if _, _, again := ask("GET", path, ""); again != first {
		t.Errorf("the hit is %q, the first answer was %q", again, first)
	}

	list := func() (told, body string) { _, told, body = ask("GET", "/api/v1/items", ""); return told, body }
	wait.Until(t, func() bool { told, body := list(); return strings.Contains(told, "; hit") && body == "[]\n" })
	if status, _, body := ask("POST", "/api/v1/items", `{"name":"jam","price":3}`); status != http.StatusCreated {
		t.Fatalf("POST: %d %s", status, body)
	}
	if told, body := list(); strings.Contains(told, "hit") || !strings.Contains(body, "jam") {
		t.Errorf("after a POST the list is %s with Cache-Status: %s", body, told)
	}
	_, _, body := ask("GET", "/api/v1/items?limit=5", "")
	id := regexp.MustCompile(`"id":"(\w+)"`).FindStringSubmatch(body)[1]
	wait.Until(t, func() bool { told, _ := list(); return strings.Contains(told, "; hit") })
	if status, _, body := ask("PUT", "/api/v1/items/"+id, `{"name":"honey","price":3}`); status != http.StatusOK {
		t.Fatalf("PUT: %d %s", status, body)
	}
	if told, body := list(); strings.Contains(told, "hit") || !strings.Contains(body, "honey") {
		t.Errorf("after a PUT of one the list is %s with Cache-Status: %s", body, told)
	}
}
