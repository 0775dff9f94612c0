package app

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache/session"
	"github.com/larder-go/larder/internal/telemetry"
)

const sessionsUsage = `usage:
  server sessions list   [--user NAME]            print who has a session, since when, and when it was used last
  server sessions delete ID...                    end the sessions with these ids, as list prints them
  server sessions delete --user NAME [--yes]      end all sessions of a user: log them out everywhere
  server sessions clear  [--yes]                  end all sessions

An id is the SHA-256 of what the cookie has: nobody can use a session by it. --yes does not ask first. They work on the sessions that the
environment says, as the server would; on memory only the server itself has them.
`

// sessionsTool is "server sessions".
type sessionsTool struct {
	process

	ctx      context.Context //nolint:containedctx // of the command
	sessions *session.Sessions

	user string // "" is all
	yes  bool
	ids  []string
}

// sessions runs "server sessions" and returns the exit code.
func (p process) sessions(args []string) int {
	t := sessionsTool{process: p}
	run, err := t.parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return p.print(func(w io.Writer) error { _, err := io.WriteString(w, sessionsUsage); return err })
	case err != nil:
		fmt.Fprintf(p.stderr, "%v\n%s", err, sessionsUsage)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	t.ctx = ctx
	a, err := p.open(ctx)
	if err != nil {
		report(p.stderr, "was done", err)
		return 1
	}
	t.sessions = a.sessions
	if err := errors.Join(run(&t), a.caches.close()); err != nil {
		fmt.Fprintln(p.stderr, err)
		return 1
	}
	return 0
}

// parse reads the command line. Flags may stand anywhere.
func (t *sessionsTool) parse(args []string) (func(*sessionsTool) error, error) {
	flags := flag.NewFlagSet("sessions", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&t.user, "user", "", "")
	flags.BoolVar(&t.yes, "yes", false, "")
	var words []string
	for rest := args; ; {
		if len(rest) > 0 && isSessionID(rest[0]) { // which may begin with '-'
			words, rest = append(words, rest[0]), rest[1:]
			continue
		}
		if err := flags.Parse(rest); err != nil {
			return nil, err
		}
		if flags.NArg() == 0 {
			break
		}
		words, rest = append(words, flags.Arg(0)), flags.Args()[1:]
	}
	if len(words) == 0 {
		return nil, errors.New("sessions: what to do is missing; allowed: list, delete, clear")
	}
	command := words[0]
	t.ids = words[1:]
	given := make(map[string]bool)
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	switch {
	case command == "help":
		return nil, flag.ErrHelp
	case given["user"] && t.user == "":
		return nil, errors.New("sessions: --user is empty; allowed: the name of a user")
	case command == "list" && len(t.ids) == 0 && !given["yes"]:
		return (*sessionsTool).list, nil
	case command == "delete" && t.user != "" && len(t.ids) == 0:
		return (*sessionsTool).deleteOfUser, nil
	case command == "delete" && t.user == "" && len(t.ids) > 0:
		return (*sessionsTool).delete, nil
	case command == "clear" && t.user == "" && len(t.ids) == 0:
		return (*sessionsTool).clear, nil
	}
	return nil, fmt.Errorf("sessions: the command line %q is not one of these", strings.Join(args, " "))
}

// isSessionID reports whether an argument looks as ids do: 256 bits as base64url.
func isSessionID(arg string) bool {
	b, err := base64.RawURLEncoding.DecodeString(arg)
	return err == nil && len(b) == sha256.Size
}

// open opens the caches of the service and its sessions, and nothing else. It fails where they are in the memory of another process.
func (p process) open(ctx context.Context) (*App, error) {
	b := p.build(p.load())
	if b == nil {
		return nil, errors.New("the function that builds the service returned nil")
	}
	if p.envFile != nil {
		b.problems = append(b.problems, p.envFile)
	}
	if b.sessions == nil {
		b.problem("sessions: the service has none; allowed: with Builder.Sessions")
	}
	logger := slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: slog.LevelError})) // what fails is the command's own error
	redis.SetLogger(telemetry.RedisLogger(logger))
	b.Logger(logger)
	a, err := b.build(ctx, func(*App) []error { return nil })
	if err != nil {
		return nil, err
	}
	if a.caches.isLocal(sessionsCache) {
		return nil, errors.Join(fmt.Errorf("%s: sessions are in the memory of the server, which no other process can see; allowed: a backend that processes share, as in APP_STORES=%s=redis, or file",
			a.caches.setting(sessionsCache), sessionsCache), a.caches.close())
	}
	return a, nil
}
