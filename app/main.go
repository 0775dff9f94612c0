package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/joho/godotenv"
	"github.com/redis/go-redis/v9"
	"golang.org/x/term"

	"github.com/larder-go/larder/internal/telemetry"
	"github.com/larder-go/larder/settings"
)

// Main is the life of a process: it reads .env and the environment, builds the service, runs it until SIGINT or SIGTERM, and stops
// it. A second signal ends it at once. The result is the exit code: 0 only if all of that worked, 2 for a command line that it
// does not know. Extra are pointers to the program's own structs with env tags, filled in before build is called.
//
// Without an argument it serves; "-h" prints every variable, "config" their effective values, redacted; "sessions" lists and ends sessions.
func Main(build func(settings.Settings) *Builder, extra ...any) int {
	environ, err := withEnvFile(os.Environ(), ".env")
	p := process{environ: environ, envFile: err, extra: extra, build: build, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	return p.run(os.Args[1:])
}

// dollar stands for '$' while the parser reads: it would put variables in its place, and break the passwords that have one.
const dollar = "\ue000"

// withEnvFile adds to environ what the file at path sets and environ does not have, be it empty. No file is fine. With an error
// environ comes back as it was.
func withEnvFile(environ []string, path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return environ, nil
	}
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return environ, fmt.Errorf("%s: %w", path, pathErr.Err)
	}
	file, err := godotenv.Unmarshal(strings.ReplaceAll(string(text), "$", dollar))
	if err != nil {
		// The parser's text quotes the file, which may hold passwords.
		return environ, fmt.Errorf("%s: it is malformed; allowed: a line NAME=value each, and comments with #", path)
	}
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		delete(file, name)
	}
	environ = slices.Clone(environ)
	for _, name := range slices.Sorted(maps.Keys(file)) {
		environ = append(environ, name+"="+strings.ReplaceAll(file[name], dollar, "$"))
	}
	return environ, nil
}

// process is what Main has of the process it runs in.
type process struct {
	environ        []string
	envFile        error // what is wrong with .env
	extra          []any
	build          func(settings.Settings) *Builder
	stdin          *os.File
	stdout, stderr *os.File
}

func (p process) run(args []string) int {
	switch {
	case len(args) == 0:
		return p.serve()
	case len(args) == 1 && slices.Contains([]string{"-h", "-help", "--help", "help"}, args[0]):
		return p.print(p.usage)
	case len(args) == 1 && args[0] == "config":
		return p.config()
	case args[0] == "sessions":
		return p.sessions(args[1:])
	}
	fmt.Fprintf(p.stderr, "unknown command %q; allowed: none (serve), config, sessions, -h\n", strings.Join(args, " "))
	return 2
}

func (p process) print(write func(io.Writer) error) int {
	if err := write(p.stdout); err != nil {
		fmt.Fprintln(p.stderr, err)
		return 1
	}
	return 0
}

// config prints what is in force, and what keeps it from being so.
func (p process) config() int {
	s := p.load()
	code := p.print(func(w io.Writer) error { return settings.Table(w, p.environ, p.extra...) })
	problems := slices.Collect(problemsOf(s))
	if b := p.build(s); b != nil {
		problems = append(problems, b.checkBackends()...)
	}
	if p.envFile != nil {
		problems = append(problems, p.envFile)
	}
	if len(problems) > 0 {
		report(p.stderr, "would be started", errors.Join(problems...))
		return 1
	}
	return code
}

// load reads the settings, the problems of which Build reports together with its own.
func (p *process) load() settings.Settings {
	s, _ := settings.Load(p.environ, p.extra...)
	if !s.IsSet("APP_DRAIN_DELAY") && term.IsTerminal(int(p.stderr.Fd())) {
		p.environ = append(slices.Clip(p.environ), "APP_DRAIN_DELAY=0s") // nobody balances load to a terminal
		s, _ = settings.Load(p.environ, p.extra...)
	}
	return s
}

func (p process) usage(w io.Writer) error {
	_, err := io.WriteString(w, `usage:
  server           serve
  server config    print every variable and its effective value
  server sessions  list, delete or clear sessions; "server sessions -h" says how
  server -h        print this

Variables, their defaults, and what they are for; .env is read if it is there, and the environment wins:

`)
	if err != nil {
		return err
	}
	return settings.Usage(w, p.extra...)
}

func (p process) serve() int {
	s := p.load()
	logger := newLogger(p.stderr, s)
	slog.SetDefault(logger)
	redis.SetLogger(telemetry.RedisLogger(logger))

	// Signals are caught before anything is open, so that none is missed.
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	done := make(chan error, 1)
	go func() { done <- p.buildAndRun(ctx, s, logger) }()
	var err error
	select {
	case err = <-done:
	case sig := <-signals:
		logger.Info("signal", "signal", sig.String())
		cancel()
		select {
		case err = <-done:
		case sig := <-signals:
			logger.Error("a second signal: exiting at once", "signal", sig.String())
			return 1
		}
	}
	if b, ok := errors.AsType[*buildError](err); ok {
		report(p.stderr, "was started", b.error)
		return 1
	}
	if err != nil {
		logger.Error("the service failed", "error", err)
		return 1
	}
	return 0
}

// buildError is an error of Build.
type buildError struct{ error }

func (p process) buildAndRun(ctx context.Context, s settings.Settings, logger *slog.Logger) error {
	b := p.build(s)
	if b == nil {
		return errors.New("the function that builds the service returned nil")
	}
	if p.envFile != nil {
		b.problems = append(b.problems, p.envFile)
	}
	a, err := b.Build(ctx)
	if err != nil {
		return &buildError{err}
	}
	for _, w := range s.Warnings() {
		logger.Warn(w)
	}
	return a.Run(ctx)
}

// report prints the problems of a build, one a line.
func report(w io.Writer, what string, err error) {
	lines := strings.Split(err.Error(), "\n")
	noun := "problems"
	if len(lines) == 1 {
		noun = "problem"
	}
	fmt.Fprintf(w, "%d %s; nothing %s:\n", len(lines), noun, what)
	for _, l := range lines {
		fmt.Fprintln(w, "  "+l)
	}
}
