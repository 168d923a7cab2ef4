package bridge

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
	"syscall"
)

// schema is the number of the layout of all files; a file of another number is
// not read.
const schema = 1

// maxRecord bounds what is read of a file: a state folder holds a megabyte.
const maxRecord = 64 << 20

// record is the envelope of every file.
type record struct {
	Schema int             `json:"schema"`
	Sum    string          `json:"sum"` // SHA-256 of Data
	Data   json.RawMessage `json:"data"`
}

func marshalRecord(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	whole := make([]byte, 0, len(data)+128)
	return fmt.Appendf(whole, `{"schema":%d,"sum":%q,"data":%s}`, schema, sum(data), data), nil
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

func readRecord(path string, v any) error {
	// A link here would have been planted: our own files are never links.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxRecord))
	if err != nil {
		return err
	}
	return unmarshalRecord(data, v)
}

// unmarshalRecord touches v only if the record is whole.
func unmarshalRecord(data []byte, v any) error {
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return fmt.Errorf("damaged: %w", err)
	}
	whole := r.whole()
	if r.Schema != schema && !(whole && flipped(r.Schema)) {
		return newerError(r.Schema)
	}
	if !whole {
		return errors.New("damaged: the checksum does not match")
	}
	return json.Unmarshal(r.Data, v)
}

// flipped reports whether a number is ours with one bit the other way, which the
// checksum does not cover.
func flipped(n int) bool {
	return n >= 0 && n <= 9 && bits.OnesCount8(uint8('0'+n)^('0'+schema)) == 1
}

// A newerError is the schema of a record that another version has written.
type newerError int

func (e newerError) Error() string {
	return fmt.Sprintf("written by another version of thinq2mqtt (schema %d)", int(e))
}

// whole reports whether the data is what was written, maybe laid out anew since
// by a person who wanted to read it.
func (r record) whole() bool {
	if sum(r.Data) == r.Sum {
		return true
	}
	var compact bytes.Buffer
	return json.Compact(&compact, r.Data) == nil && sum(compact.Bytes()) == r.Sum
}
