// Command bench measures this cache beside others: both do the same work in one run, in rounds that take turns, so that
// whatever slows the machine down slows both. It prints one table in Markdown, and one more for each comparison in memory with
// all who took part. From the root of the repository:
//
//	go run -C internal/bench .                    every comparison
//	go run -C internal/bench . redis              those whose name is redis or begins with redis/
//	go run -C internal/bench . -rounds 9 redis/clear
//
// It is a module of its own, so that what it compares with stays out of the service's dependencies. README.md says what each
// comparison measures, and what its figures do not tell.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], defaultScale(), os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program. It returns the exit code: 0 where everything was measured, whatever came out.
func run(ctx context.Context, args []string, s scale, in io.Reader, out, problems io.Writer) int {
	if isChild(args) {
		if err := serve(ctx, args[0], in, out); err != nil {
			fmt.Fprintf(problems, "bench: %s: %v\n", args[0], err)
			return 1
		}
		return 0
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(problems)
	flags.IntVar(&s.rounds, "rounds", s.rounds, "how many rounds of operations there are; medians are reported")
	flags.DurationVar(&s.round, "round", s.round, "how long a contender's turn in a round takes; in memory a sixth of it")
	flags.IntVar(&s.entries, "entries", s.entries, "how many entries the stores have that file/open opens; each takes a file")
	svg := flags.String("svg", "", "draw the memory comparisons as bars into this `file`")
	figures := flags.String("json", "", "keep what is drawn in this `file`")
	from := flags.String("from", "", "measure nothing: draw what an earlier run kept in this `file`")
	flags.Usage = func() { usage(flags) }
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	chosen, err := choose(comparisons(), flags.Args())
	if err == nil && s.entries < 1 {
		err = fmt.Errorf("-entries is %d; allowed: 1 or more", s.entries)
	}
	if err == nil && (s.rounds < 1 || s.round < time.Millisecond) {
		err = fmt.Errorf("%d rounds of %v measure nothing; allowed: 1 or more, of 1ms or more", s.rounds, s.round)
	}
	if err != nil {
		fmt.Fprintln(problems, "bench:", err)
		return 2
	}
	var drawn chart
	if *from != "" {
		drawn, err = readChart(*from)
	} else {
		drawn, err = compare(ctx, chosen, args, s, out, problems)
	}
	if err == nil {
		err = drawn.save(*svg, *figures)
	}
	if err != nil {
		fmt.Fprintln(problems, "bench:", err)
		return 1
	}
	return 0
}

// isChild tells whether the arguments are those of a process that another run of this program started.
func isChild(args []string) bool {
	return len(args) == 1 && slices.Contains([]string{readerCommand, memoryCommand, toldCommand, exclusiveCommand, httpCommand}, args[0])
}

// serve is that process.
func serve(ctx context.Context, command string, in io.Reader, out io.Writer) error {
	switch command {
	case readerCommand:
		return read(ctx, in, out)
	case toldCommand:
		return watchVersions(ctx, in, out)
	case exclusiveCommand:
		return loadExclusively(ctx, in, out)
	case httpCommand:
		return serveHTTP(ctx, in, out)
	}
	return contend(in, out)
}

// compare runs the comparisons, prints what they found, and returns what of it may be drawn.
func compare(ctx context.Context, chosen []comparison, args []string, s scale, out, problems io.Writer) (drawn chart, err error) {
	b := &bench{scale: s, progress: problems}
	defer func() { err = errors.Join(err, b.close(ctx)) }()
	var results []result
	for _, c := range chosen {
		b.logf("%s: %s", c.name, c.about)
		found, err := c.run(ctx, b)
		if err != nil {
			return drawn, fmt.Errorf("%s: %w", c.name, err)
		}
		results = append(results, found...)
	}
	command := strings.Join(append([]string{"go run -C internal/bench ."}, args...), " ")
	if _, err := fmt.Fprintf(out, "%s\n\n    %s\n\n", strings.Join(b.surroundings(ctx), "  \n"), command); err != nil {
		return drawn, err
	}
	err = writeTable(out, results)
	for _, t := range b.tables {
		if err == nil {
			err = t.write(out)
		}
	}
	return b.chart, err
}

func usage(flags *flag.FlagSet) {
	fmt.Fprintln(flags.Output(), "usage: go run -C internal/bench . [flags] [comparison]...")
	for _, c := range comparisons() {
		fmt.Fprintf(flags.Output(), "  %s\n    \t%s\n", c.name, c.about)
	}
	flags.PrintDefaults()
}
