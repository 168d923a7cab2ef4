package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A Secret is a text that never shows itself.
type Secret = thinq.Secret

const masked = thinq.Masked

// A secretSource is where a secret comes from: its value or a file. It is read
// at every use, so that a replaced file counts without a restart.
type secretSource struct {
	key   string // "thinq.token"
	value Secret
	file  string
	in    string // the configuration file that holds value; empty: a variable does
}

// secretLimit bounds a secret file: a longer one is some other file.
const secretLimit = 16 << 10

// set reports whether there is any source at all.
func (s secretSource) set() bool { return s.value != "" || s.file != "" }

// String says where the secret comes from, never what it is.
func (s secretSource) String() string {
	if s.file != "" {
		return "from " + s.file
	}
	return "from the configuration"
}

// named is the file for a complaint, unless it could be the secret itself in the
// wrong place.
func (s secretSource) named() string {
	if !strings.Contains(s.file, "/") {
		return "names a file that"
	}
	return s.file
}

// Read is the secret as of now, without the newline at the end of its file.
func (s secretSource) Read() (string, error) {
	if s.file == "" {
		return string(s.value), nil
	}
	data, err := contents(s.file)
	if err != nil {
		return "", err
	}
	text := strings.TrimRight(string(data), "\r\n")
	switch {
	case text == "":
		return "", errors.New("is empty: put the secret into it")
	case strings.ContainsAny(text, "\r\n") || len(data) == secretLimit:
		return "", errors.New("holds more than one line: put only the secret into it")
	}
	return text, nil
}

// contents are what a file with a secret holds, unless others can write to it.
func contents(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, unreadable(err)
	}
	if info.Mode().Perm()&0o022 != 0 {
		return nil, errors.New("can be written by others, so it cannot be trusted: chmod go-w it")
	}
	data, err := io.ReadAll(io.LimitReader(f, secretLimit))
	if err != nil {
		return nil, unreadable(err)
	}
	return data, nil
}

// Warning tells of a file that more people can read than need to, or that one of
// them can replace; empty if all is well.
func (s secretSource) Warning() string {
	key, path, remedy := s.key+"_file", s.file, "chmod 600 it"
	if path == "" {
		key, path, remedy = s.key, s.in, "chmod 600 it, or put the secret into a file of its own and name that as "+key
	}
	info, err := os.Stat(path)
	if err != nil {
		return "" // or it is in no file
	}
	text := ""
	if info.Mode().Perm()&0o044 != 0 {
		text = "can be read by others: " + remedy
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && owner.Uid != 0 && int(owner.Uid) != os.Geteuid() {
		text = fmt.Sprintf("belongs to user number %d, who can read and change it: chown it to the user of thinq2mqtt", owner.Uid)
	}
	if text == "" {
		return ""
	}
	return fmt.Sprintf("%s: %s %s", key, path, text)
}

// since is when the file was written; zero where there is none.
func (s secretSource) since() time.Time {
	if info, err := os.Stat(s.file); err == nil {
		return info.ModTime()
	}
	return time.Time{}
}

// unreadable is the complaint about a file that cannot be read, with what to do
// about it.
func unreadable(err error) error {
	remedy := "name a file that this user can read"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		remedy = "create it, or correct the path"
	case errors.Is(err, fs.ErrPermission):
		remedy = "let this user read it"
	case errors.Is(err, syscall.EISDIR):
		remedy = "name a file in it"
	}
	return fmt.Errorf("cannot be read: %w: %s", bare(err), remedy)
}

// bare strips operation and path off an error of package os, because the
// sentence around it names the file already.
func bare(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
