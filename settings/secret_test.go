package settings_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/larder-go/larder/settings"
)

func TestASecretIsNotSeenHoweverItIsPrinted(t *testing.T) {
	s := mustLoad(t, "APP_REDIS_PASSWORD=hunter2", "APP_CACHE_STORAGE_URL=redis://:hunter2@localhost")
	var b bytes.Buffer
	for _, verb := range []string{"%s", "%v", "%+v", "%#v", "%q", "%x", "%X", "%d", "%10.3s", "%T"} {
		fmt.Fprintf(&b, verb+"\n", s.Redis.Password)
		fmt.Fprintf(&b, verb+"\n", s)
		fmt.Fprintf(&b, verb+"\n", &s)
		fmt.Fprintf(&b, verb+"\n", []any{s.Redis.Password, map[string]settings.Secret{"x": s.Cache.StorageURL}})
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
		slog.New(h).Info("x", "password", s.Redis.Password, "settings", s, "redis", &s.Redis)
	}
	if err := json.NewEncoder(&b).Encode(s); err != nil {
		t.Fatal(err)
	}
	b.WriteString(s.Redis.Password.String() + s.Redis.Password.GoString() + fmt.Sprint(s.Redis.Password.LogValue()))
	if err := settings.Table(&b, []string{"APP_REDIS_PASSWORD=hunter2", "APP_CACHE_STORAGE_URL=redis://:hunter2@localhost"}); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"hunter2", fmt.Sprintf("%x", "hunter2"), fmt.Sprintf("%X", "hunter2"), "hun", "[104"} {
		if strings.Contains(b.String(), secret) {
			t.Errorf("%q is in the output:\n%s", secret, b.String())
		}
	}
	if n := strings.Count(b.String(), "[redacted]"); n < 40 {
		t.Errorf("[redacted] is there %d times only:\n%s", n, b.String())
	}
}

func TestAnEmptySecretPrintsNothing(t *testing.T) {
	if got := fmt.Sprintf("%v%s%q%x", settings.Secret(""), settings.Secret(""), settings.Secret(""), settings.Secret("")); got != "" {
		t.Errorf("printed %q, want nothing", got)
	}
}

func TestASecretIsReadFromItsFile(t *testing.T) {
	for content, want := range map[string]string{
		"hunter2":         "hunter2",
		"hunter2\n":       "hunter2",
		"hunter2\r\n":     "hunter2",
		"hunter2\n\n":     "hunter2\n",
		" hunter2 ":       " hunter2 ",
		"hunter2\nsecond": "hunter2\nsecond",
		"\n":              "",
	} {
		path := file(t, content)
		s := mustLoad(t, "APP_REDIS_PASSWORD_FILE="+path)
		if got := s.Redis.Password.Reveal(); got != want {
			t.Errorf("a file with %q gives %q, want %q", content, got, want)
		}
		if got := s.IsSet("APP_REDIS_PASSWORD"); got != (want != "") {
			t.Errorf("a file with %q: IsSet is %t", content, got)
		}
	}
	if s := mustLoad(t, "APP_CACHE_STORAGE_URL_FILE="+file(t, "redis://h/1\n")); s.RedisURL() != "redis://h/1" {
		t.Errorf("RedisURL() = %q, want the file's", s.RedisURL())
	}
}

func TestASecretAndItsFileAreAProblem(t *testing.T) {
	want := []string{"APP_REDIS_PASSWORD: set together with APP_REDIS_PASSWORD_FILE; allowed: one of the two"}
	if diff := cmp.Diff(want, problems(t, "APP_REDIS_PASSWORD=hunter2", "APP_REDIS_PASSWORD_FILE="+file(t, "hunter2"))); diff != "" {
		t.Error(diff)
	}
}

func TestASecretsFileThatCannotBeReadIsNamed(t *testing.T) {
	for name, path := range map[string]string{
		"no file":     "/no/such/file",
		"a directory": t.TempDir(),
		"a huge file": file(t, strings.Repeat("x", 1<<20+1)),
	} {
		t.Run(name, func(t *testing.T) {
			s, err := settings.Load([]string{"APP_REDIS_PASSWORD_FILE=" + path})
			same(t, s, defaults())
			want := settings.Problems{{Var: "APP_REDIS_PASSWORD_FILE", Value: path, Why: "cannot be read", Allowed: "a readable file of at most 1 MiB"}}
			if diff := cmp.Diff(want, err); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAPasswordInThePlaceOfItsFileIsNotShown(t *testing.T) {
	want := []string{"APP_REDIS_PASSWORD_FILE: cannot be read; allowed: a readable file of at most 1 MiB"}
	// The second is base64, of which the slash is a letter.
	for _, password := range []string{"hunter2", "aHVudGVy/2+x=="} {
		if diff := cmp.Diff(want, problems(t, "APP_REDIS_PASSWORD_FILE="+password)); diff != "" {
			t.Errorf("%s:\n%s", password, diff)
		}
	}
}

func TestAPathThatIsClearlyOneIsShown(t *testing.T) {
	for _, path := range []string{"/no/such/file", "./no-such", "../no-such"} {
		want := []string{"APP_REDIS_PASSWORD_FILE=" + path + ": cannot be read; allowed: a readable file of at most 1 MiB"}
		if diff := cmp.Diff(want, problems(t, "APP_REDIS_PASSWORD_FILE="+path)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAWrongURLInAFileIsReportedWithoutItsContent(t *testing.T) {
	got := problems(t, "APP_CACHE_STORAGE_URL_FILE="+file(t, "redis://:hunter2@h:port"))
	if len(got) != 1 || !strings.HasPrefix(got[0], "APP_CACHE_STORAGE_URL: malformed") || strings.Contains(got[0], "hunter2") {
		t.Errorf("problems are %q, want one that is malformed", got)
	}
}

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
