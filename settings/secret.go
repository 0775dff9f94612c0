package settings

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

// largestSecret is how much of a secret's file is read, in bytes: enough for a
// chain of certificates, and a wrong path does not fill the memory.
const largestSecret = 1 << 20

// Secret is a value that must not be seen: however it is printed, logged or
// marshalled, "[redacted]" comes out, or "" where it is empty. [Secret.Reveal]
// is the one way to the value.
//
// A field of this type accepts VAR_FILE beside VAR.
type Secret string

var (
	_ fmt.Formatter  = Secret("")
	_ slog.LogValuer = Secret("")
)

// Reveal is the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String is "[redacted]", or "" for an empty secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "[redacted]"
}

// GoString is what %#v would print; it is no more than String.
func (s Secret) GoString() string { return s.String() }

// Format writes String for every verb: %x and %q would read the bytes
// themselves otherwise.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue is what slog writes.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is what encoding/json and others write.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// readSecret puts the content of the file that NAME_FILE names in the place of
// the variable itself.
func (l *loader) readSecret(v *variable) {
	name := v.name + "_FILE"
	path := l.environ[name]
	if path == "" {
		return
	}
	if l.environ[v.name] != "" {
		delete(l.environ, v.name)
		l.fail(v, "set together with "+name, "one of the two")
		return
	}
	content, err := readFile(path)
	if err != nil {
		p := Problem{Var: name, Why: "cannot be read", Allowed: "a readable file of at most 1 MiB"}
		if isClearlyPath(path) {
			p.Value = path
		}
		l.failAs(v, p)
		return
	}
	content = strings.TrimSuffix(strings.TrimSuffix(content, "\n"), "\r")
	if content != "" {
		l.environ[v.name] = content
		l.settings.set[v.name] = true
	}
}

// isClearlyPath tells whether a text is a path and not a secret that was put in
// its place. That it has a slash would not do: base64 has it too.
func isClearlyPath(text string) bool {
	text = filepath.ToSlash(text)
	return filepath.IsAbs(text) || strings.HasPrefix(text, "./") || strings.HasPrefix(text, "../")
}

func readFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, largestSecret+1))
	if err == nil && len(b) > largestSecret {
		err = fmt.Errorf("%s: over %d bytes", path, largestSecret)
	}
	return string(b), err
}
