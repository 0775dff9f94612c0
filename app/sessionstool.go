package app

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/term"

	"github.com/larder-go/larder/cache/session"
)

// list prints the sessions, each once, while they are being read.
func (t *sessionsTool) list() error {
	w := bufio.NewWriter(t.stdout)
	const row = "%-43s  %-20s  %-20s  %s\n"
	fmt.Fprintf(w, row, "ID", "CREATED", "LAST SEEN", "USER")
	for info, err := range t.each() {
		if err != nil {
			return errors.Join(w.Flush(), err)
		}
		fmt.Fprintf(w, row, info.ID, stamp(info.Created), stamp(info.Seen), printable(info.User))
	}
	return w.Flush()
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// printable is a name as a terminal may have it: one that could be taken for something else is quoted.
func printable(name string) string {
	switch {
	case name == "":
		return "-"
	case name == "-" || strings.HasPrefix(name, `"`) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) || r == unicode.ReplacementChar }):
		return strconv.Quote(name)
	}
	return name
}

// each yields the sessions of t.user, or all, each once.
func (t *sessionsTool) each() func(yield func(session.Info, error) bool) {
	return func(yield func(session.Info, error) bool) {
		seen := make(map[string]bool)
		for info, err := range t.sessions.List(t.ctx) {
			if err != nil {
				yield(session.Info{}, err)
				return
			}
			if seen[info.ID] || t.user != "" && info.User != t.user {
				continue
			}
			seen[info.ID] = true
			if !yield(info, nil) {
				return
			}
		}
	}
}

// delete ends the sessions that are named. One that is not there is an error, after the others.
func (t *sessionsTool) delete() error {
	ended := 0
	var errs []error
	for _, id := range t.ids {
		found, err := t.sessions.Delete(t.ctx, id)
		switch {
		case err != nil:
			errs = append(errs, err)
		case !found:
			errs = append(errs, fmt.Errorf("there is no session %.64q", id))
		default:
			ended++
		}
	}
	fmt.Fprintf(t.stdout, "%s ended\n", counted(ended))
	return errors.Join(errs...)
}

// deleteOfUser logs a user out everywhere, and ends what is not in the user's index because that was lost.
func (t *sessionsTool) deleteOfUser() error {
	n, err := t.count()
	if err != nil {
		return err
	}
	if err := t.confirm(fmt.Sprintf("End %s of %s?", counted(n), printable(t.user))); err != nil {
		return err
	}
	if err := t.sessions.LogOutEverywhere(t.ctx, t.user); err != nil {
		return err
	}
	for info, err := range t.each() {
		if err == nil {
			_, err = t.sessions.Delete(t.ctx, info.ID)
		}
		if err != nil {
			return err
		}
	}
	fmt.Fprintf(t.stdout, "%s ended\n", counted(n))
	return nil
}

func (t *sessionsTool) clear() error {
	n, err := t.count()
	if err != nil {
		return err
	}
	if err := t.confirm(fmt.Sprintf("End all %s?", counted(n))); err != nil {
		return err
	}
	if err := t.sessions.Clear(t.ctx); err != nil {
		return err
	}
	fmt.Fprintf(t.stdout, "%s ended\n", counted(n))
	return nil
}

func (t *sessionsTool) count() (n int, err error) {
	for _, err := range t.each() {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

func counted(n int) string {
	if n == 1 {
		return "1 session"
	}
	return strconv.Itoa(n) + " sessions"
}

// confirm asks, unless --yes was given. Where nobody can answer, that is an error.
func (t *sessionsTool) confirm(question string) error {
	if t.yes {
		return nil
	}
	if !term.IsTerminal(int(t.stdin.Fd())) {
		return errors.New("nothing was ended, for nobody can be asked: this is no terminal; allowed: with --yes")
	}
	fmt.Fprintf(t.stderr, "%s [y/N] ", question)
	answer, err := bufio.NewReader(t.stdin).ReadString('\n')
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer == "y" || answer == "yes" {
		return nil
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("nothing was ended: %w", err)
	}
	return errors.New("nothing was ended")
}
