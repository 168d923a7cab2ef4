package link

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest/bounds"
)

// A tape is a connection that plays what it was given and records what is written.
type tape struct {
	net.Conn
	play   io.Reader
	writes [][]byte
}

func (t *tape) Read(p []byte) (int, error) { return t.play.Read(p) }
func (t *tape) Write(p []byte) (int, error) {
	t.writes = append(t.writes, bytes.Clone(p))
	return len(p), nil
}
func (t *tape) SetReadDeadline(time.Time) error  { return nil }
func (t *tape) SetWriteDeadline(time.Time) error { return nil }
func (t *tape) Close() error                     { return nil }

var greeting = []byte{0x20, 3, 0, 0, 0}

func encode(t testing.TB, p interface {
	WriteTo(io.Writer) (int64, error)
}) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := p.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGuardSendsEachPacketInOnePiece(t *testing.T) {
	for _, size := range []int{0, 1, 100, 127, 128, 20_000, 300_000} {
		c := &tape{}
		g := newGuard(c, time.Minute)
		m := Message{Topic: "a/b", Payload: bytes.Repeat([]byte("x"), size), Reply: "r", Correlation: []byte("c")}
		for range 3 {
			if _, err := m.packet().WriteTo(g); err != nil {
				t.Fatal(err)
			}
			if _, err := packets.NewControlPacket(packets.PINGREQ).WriteTo(g); err != nil {
				t.Fatal(err)
			}
		}
		want := encode(t, m.packet())
		if len(c.writes) != 6 || !bytes.Equal(c.writes[0], want) || !bytes.Equal(c.writes[4], want) || !bytes.Equal(c.writes[5], []byte{0xC0, 0}) {
			t.Errorf("%d bytes: %d writes, want 6 whole packets", size, len(c.writes))
		}
		if n := m.size(); n < len(want) || n > len(want)+8 {
			t.Errorf("%d bytes: size says %d, the packet has %d", size, n, len(want))
		}
	}
}

func TestGuardReads(t *testing.T) {
	limit := Message{Topic: "t", Payload: make([]byte, maxPacket-5-7)} // fixed header of four bytes
	for _, c := range []struct {
		name string
		in   []byte
		want string // part of the fault; empty: all is let through
	}{
		{"packets of all lengths", slices.Concat(greeting, encode(t, Message{Topic: "a"}.packet()), []byte{0xD0, 0}, encode(t, Message{Topic: "b", Payload: make([]byte, 70_000)}.packet())), ""},
		{"as large as announced", slices.Concat(greeting, encode(t, limit.packet())), ""},
		{"one byte more", slices.Concat(greeting, encode(t, Message{Topic: "t", Payload: make([]byte, len(limit.Payload)+3)}.packet())), "more than the 262144"},
		{"goodbye with a reason", slices.Concat(greeting, []byte{0xE0, 2, 0x8E, 0}), "taken over"},
		{"cut in the header", slices.Concat(greeting, []byte{0x30}), "closed by the broker"},
		{"cut in the length", slices.Concat(greeting, []byte{0x30, 0x80}), "closed by the broker"},
		{"nothing", nil, "before an answer"},
		{"3.1.1", []byte{0x20, 2, 0, 5}, "3.1.1 only"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGuard(&tape{play: bytes.NewReader(c.in)}, time.Minute)
			out, err := io.ReadAll(g)
			if c.want == "" {
				if err != nil || !bytes.Equal(out, c.in) {
					t.Errorf("%d of %d bytes, %v", len(out), len(c.in), err)
				}
				return
			}
			if g.fault() == nil || !strings.Contains(words(g.fault()), c.want) {
				t.Errorf("fault %v, want %q", g.fault(), c.want)
			}
		})
	}
}

// grown is how much memory f reserves.
func grown(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// A packet up to the announced size is taken, and what is kept of it is less than
// twice that; one byte more is refused for next to nothing.
func TestS27PacketSize(t *testing.T) {
	for size, taken := range map[int]bool{maxPacket - 1: true, maxPacket: true, maxPacket + 1: false, maxPacket + 2: false} {
		m := Message{Topic: "t"}
		m.Payload = make([]byte, size-(1+3)-(2+1)-2-1) // header, topic, packet identifier, properties
		in := (&publication{Message: m, id: 1}).bytes()
		if len(in) != size {
			t.Fatalf("made %d bytes, want %d", len(in), size)
		}
		g := newGuard(&tape{play: bytes.NewReader(append(bytes.Clone(greeting), in...))}, time.Minute)
		var kept *packets.ControlPacket
		var err error
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		cost := grown(func() {
			_, _ = packets.ReadPacket(g) // CONNACK
			kept, err = packets.ReadPacket(g)
		})
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(kept)
		if live := int(after.HeapAlloc) - int(before.HeapAlloc); (err == nil) != taken || live > 2*maxPacket || !taken && cost > 64<<10 {
			t.Errorf("%d bytes: %v, %d bytes kept, %d reserved", size, err, live, cost)
		}
	}
}

// Five bytes that announce 200 MB, as any kind of packet, are refused before
// memory is reserved (M18).
func TestF057HugePacket(t *testing.T) {
	for kind := range byte(16) {
		g := newGuard(&tape{play: bytes.NewReader(append(bytes.Clone(greeting), kind<<4, 0x80, 0xD6, 0xAE, 0x5F))}, time.Minute)
		cost := grown(func() {
			for range 2 {
				_, _ = packets.ReadPacket(g)
			}
		})
		if cost > 64<<10 {
			t.Errorf("kind %d: %d bytes of memory", kind, cost)
		}
		if err := g.fault(); err == nil || !strings.Contains(words(err), "more than the 262144 announced") {
			t.Errorf("kind %d: %v", kind, err)
		}
	}
}

// A sleeper is a connection whose process was kept from running: the deadline is
// past when it wakes, and what came meanwhile is there.
type sleeper struct {
	tape
	woke bool
}

func (s *sleeper) Read(p []byte) (int, error) {
	if !s.woke {
		s.woke = true
		return 0, os.ErrDeadlineExceeded
	}
	return s.tape.Read(p)
}

func TestF060WokenReadsWhatCame(t *testing.T) {
	m := encode(t, Message{Topic: "a/set", Payload: []byte("on")}.packet())
	g := newGuard(&sleeper{tape: tape{play: bytes.NewReader(m)}}, time.Minute)
	g.greeted.Store(true)
	got := make([]byte, len(m))
	if _, err := io.ReadFull(g, got); err != nil || !bytes.Equal(got, m) {
		t.Errorf("read %q, %v; want what had come", got, err)
	}
	if _, err := g.Read(got); !errors.Is(err, io.EOF) {
		t.Errorf("then %v", err)
	}
}

// A gone peer takes nothing any more.
type gone struct{ tape }

func (*gone) Write([]byte) (int, error) { return 0, syscall.EPIPE }

func TestF060GonePeerIsHeardOut(t *testing.T) {
	m := encode(t, Message{Topic: "a/set", Payload: []byte("on")}.packet())
	g := newGuard(&gone{tape{play: bytes.NewReader(m)}}, time.Minute)
	g.greeted.Store(true)
	for range 2 {
		if _, err := g.Write([]byte{0xC0, 0}); err != nil {
			t.Errorf("write: %v, which closes the connection before the rest is read", err)
		}
	}
	if got, err := io.ReadAll(g); err != nil || !bytes.Equal(got, m) {
		t.Errorf("heard %q, %v", got, err)
	}
}

// A peer that takes nothing is given up although it goes on talking.
func TestF051TalkerThatDoesNotListen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		g := newGuard(ours, time.Minute)
		g.greeted.Store(true)
		over := make(chan struct{})
		go func() {
			defer close(over)
			for {
				if _, err := theirs.Write([]byte{0xD0, 0}); err != nil {
					return
				}
				time.Sleep(lastLook / 4)
			}
		}()
		go g.Write([]byte{0xC0, 0})
		begun := time.Now()
		_, err := io.Copy(io.Discard, g)
		if took := time.Since(begun); took > writeTimeout+2*lastLook || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("given up after %v: %v", took, err)
		}
		g.Close()
		<-over
	})
}

func FuzzGuardRead(f *testing.F) {
	f.Add([]byte{0x20, 3, 0, 0, 0, 0x30, 5, 0, 1, 'a', 0, 0})
	f.Add([]byte{0x20, 3, 0, 0, 0, 0xE0, 1, 0x8B})
	f.Add([]byte{0x20, 3, 0, 0, 0, 0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF})
	f.Fuzz(func(t *testing.T, in []byte) {
		defer bounds.Keep(t)()
		g := newGuard(&tape{play: bytes.NewReader(in)}, time.Minute)
		out, err := io.ReadAll(g)
		if !bytes.HasPrefix(in, out) {
			t.Errorf("changed what was sent: %x -> %x", in, out)
		}
		if err != nil && !errors.Is(g.fault(), err) {
			if _, goodbye := refused(g.fault()); !goodbye {
				t.Errorf("ended with %v, remembers %v", err, g.fault())
			}
		}
	})
}

// Every reason code of MQTT 5 section 2.4 that is a fault is put into words.
func TestReasonsAreInWords(t *testing.T) {
	known := []byte{0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8B, 0x8C, 0x8D, 0x8E, 0x8F, 0x90, 0x91, 0x93,
		0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2}
	for _, code := range known {
		if reasons[code].text == "" {
			t.Errorf("0x%02X has no words", code)
		}
	}
	if got := describe(0xF0, "so there"); got != "reason 0xF0: so there" {
		t.Errorf("unknown code: %q", got)
	}
}

// packet is what the library makes of a message: it writes that in parts.
func (m Message) packet() *packets.Publish {
	return &packets.Publish{
		Topic: m.Topic, Payload: m.Payload, QoS: 1, Retain: m.Retain,
		Properties: &packets.Properties{ResponseTopic: m.Reply, CorrelationData: m.Correlation},
	}
}
