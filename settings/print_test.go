package settings_test

import (
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/joho/godotenv"

	"github.com/larder-go/larder/settings"
)

const exampleFile = "../.env.example"

func TestTheExampleFileIsMadeOfTheSettings(t *testing.T) {
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(exampleFile, []byte(settings.Example()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(settings.Example(), string(got)); diff != "" {
		t.Errorf("%s is not what the settings say; go test ./settings -update writes it (-want +got):\n%s", exampleFile, diff)
	}
}

func TestACopyOfTheExampleChangesNothing(t *testing.T) {
	parsed, err := godotenv.Unmarshal(settings.Example())
	if err != nil || len(parsed) != 0 {
		t.Errorf("error %v and variables %v, want neither", err, parsed)
	}
}

func TestTheExampleHasEveryVariableWithItsDefault(t *testing.T) {
	var text strings.Builder // every line that can be a setting is taken as one
	for line := range strings.Lines(settings.Example()) {
		if strings.HasPrefix(line, "#APP_") {
			text.WriteString(line[1:])
		}
	}
	parsed, err := godotenv.Unmarshal(text.String())
	if err != nil {
		t.Fatal(err)
	}
	environ := []string{}
	for name, value := range parsed {
		environ = append(environ, name+"="+value)
	}
	same(t, mustLoad(t, environ...), defaults())
	if want := 47; len(environ) != want {
		t.Errorf("%d variables, want %d", len(environ), want)
	}
}

func TestTheExampleQuotesADefaultThatNeedsIt(t *testing.T) {
	extra := struct {
		Greeting string `env:"GREETING" envDefault:"good day # \"you\"" help:"What is said."`
	}{}
	text := settings.Example(&extra)
	if want := "\n## Your own\n\n# What is said.\n#APP_GREETING='good day # \"you\"'\n"; !strings.HasSuffix(text, want) {
		t.Errorf("the end is\n%s\nwant\n%s", text[len(text)-100:], want)
	}
	parsed, err := godotenv.Unmarshal(strings.ReplaceAll(text, "#APP_GREETING", "APP_GREETING"))
	if err != nil || parsed["APP_GREETING"] != `good day # "you"` {
		t.Errorf("it is read as %q, error %v", parsed, err)
	}
}

func TestTheTableShowsWhatIsInForce(t *testing.T) {
	extra := struct {
		Site string          `env:"SITE" envDefault:"https://me:hunter2@example.com"`
		Key  settings.Secret `env:"KEY" envDefault:"hunter2"`
		Text string          `env:"TEXT"`
	}{}
	var b strings.Builder
	err := settings.Table(&b, []string{
		"APP_REQUEST_TIMEOUT=20", "APP_METRICS_PATH=none", "APP_REDIS_PASSWORD=hunter2", "APP_CACHE_STORAGE_URL=redis://:hunter2@localhost/7",
		"APP_TEXT=two words", "APP_CACHE_MAX_BYTES=5",
	}, &extra)
	if err != nil {
		t.Fatal(err)
	}
	rows := rowsOf(b.String())
	for name, want := range map[string]string{
		"VARIABLE":              "DEFAULT VALUE",
		"APP_REQUEST_TIMEOUT":   "30s 20",
		"APP_METRICS_PATH":      "/metrics none",
		"APP_HOST":              "127.0.0.1 127.0.0.1",
		"APP_REDIS_PASSWORD":    `"" [redacted]`,
		"APP_REDIS_HOST":        "localhost localhost",
		"APP_CACHE_STORAGE_URL": `"" [redacted]`,
		"APP_CACHE_REDIS_DB":    "1 7",
		"APP_CACHE_MAX_BYTES":   "0 5",
		"APP_TRUSTED_PROXIES":   `"" ""`,
		"APP_SETTINGS_STRICT":   "false false",
		"APP_SITE":              "[redacted] [redacted]",
		"APP_KEY":               "[redacted] [redacted]",
		"APP_TEXT":              `"" "two words"`,
	} {
		if rows[name] != want {
			t.Errorf("%s has %q, want %q", name, rows[name], want)
		}
	}
}

func TestTheTableShowsNoValueOfAVariableWithAProblem(t *testing.T) {
	const invalid = " invalid, see the problems"
	for _, tt := range []struct {
		name    string
		environ []string
		want    map[string]string
	}{
		{"a value that cannot be read", []string{"APP_PORT=x"}, map[string]string{"APP_PORT": "8000" + invalid, "APP_HOST": "127.0.0.1 127.0.0.1"}},
		{"a value that is the default and not allowed here", []string{"APP_SHUTDOWN_GRACE=30s", "APP_DRAIN_DELAY=25s"}, map[string]string{"APP_SHUTDOWN_GRACE": "30s" + invalid}},
		{"a URL that is none", []string{"APP_CACHE_STORAGE_URL=redis://h?x"}, map[string]string{"APP_CACHE_STORAGE_URL": `""` + invalid}},
		{"a secret whose file cannot be read", []string{"APP_REDIS_PASSWORD_FILE=/no/such"}, map[string]string{"APP_REDIS_PASSWORD": `""` + invalid}},
		{"a user without a password", []string{"APP_REDIS_USERNAME=me"}, map[string]string{"APP_REDIS_USERNAME": `""` + invalid, "APP_REDIS_PASSWORD": `"" ""`}},
		{"a database that contradicts the URL", []string{"APP_CACHE_STORAGE_URL=redis://h/2", "APP_CACHE_REDIS_DB=3"}, map[string]string{"APP_CACHE_REDIS_DB": "1" + invalid}},
		{"budgets that do not fit", []string{"APP_DRAIN_DELAY=20"},
			map[string]string{"APP_DRAIN_DELAY": "5s" + invalid, "APP_SHUTDOWN_TIMEOUT": "10s 10s", "APP_SHUTDOWN_GRACE": "30s" + invalid}},
		{"paths that clash", []string{"APP_METRICS_PATH=/live", "APP_READINESS_CHECK_PATH=/r"},
			map[string]string{"APP_METRICS_PATH": "/metrics" + invalid, "APP_READINESS_CHECK_PATH": "/ready" + invalid, "APP_HEALTH_CHECK_PATH": "/live /live"}},
		{"a name that only looks like it", []string{"APP_NAME=invalid, see the problems"}, map[string]string{"APP_NAME": `larder "invalid, see the problems"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b strings.Builder
			if err := settings.Table(&b, tt.environ); err != nil {
				t.Fatal(err)
			}
			rows := rowsOf(b.String())
			if want, ok := tt.want["APP_NAME"]; ok {
				tt.want["APP_NAME"] = strings.Replace(want, "larder", defaults().Name, 1)
			}
			for name, want := range tt.want {
				if rows[name] != want {
					t.Errorf("%s has %q, want %q", name, rows[name], want)
				}
			}
		})
	}
}

// rowsOf is the default and the value of each variable in a table.
func rowsOf(table string) map[string]string {
	rows := map[string]string{}
	for line := range strings.Lines(table) {
		name, rest, _ := strings.Cut(line, " ")
		rows[name] = strings.Join(strings.Fields(rest), " ")
	}
	return rows
}

func TestUsageSaysWhatEachVariableIs(t *testing.T) {
	var b strings.Builder
	if err := settings.Usage(&b, &struct {
		Key settings.Secret `env:"KEY" help:"A key."`
	}{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"APP_PORT                    8000          Port to listen on. (1 to 65535)\n",
		"APP_LOG_FORMAT              text          How a record is written. (text or json)\n",
		"APP_RATE_LIMIT_FAIL         open          Whether requests pass while the limits cannot be counted. (open or closed)\n",
		"APP_KEY                     \"\"            A key. (or APP_KEY_FILE, a file with it)\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in\n%s", want, b.String())
		}
	}
}

// broken is a writer whose disk is full.
type broken struct{}

var errBroken = errors.New("no space left")

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestTheWritersErrorIsGivenBack(t *testing.T) {
	if err := settings.Table(broken{}, nil); !errors.Is(err, errBroken) {
		t.Errorf("Table gives %v, want %v", err, errBroken)
	}
	if err := settings.Usage(broken{}); !errors.Is(err, errBroken) {
		t.Errorf("Usage gives %v, want %v", err, errBroken)
	}
}
