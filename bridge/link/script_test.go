package link_test

import (
	"bytes"
	"context"
	"net"
	"sync/atomic"

	"github.com/eclipse/paho.golang/packets"
)

// A script is a broker that does with each connection what a test says; n counts
// them from 1. CONNECT has been read; the connection is closed at the end.
type script struct {
	play func(c wire, n int)
	n    atomic.Int32
}

// A wire is the broker's end of a connection.
type wire struct{ net.Conn }

func (s *script) Dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	n := int(s.n.Add(1))
	go func() {
		defer server.Close()
		if _, err := packets.ReadPacket(server); err == nil {
			s.play(wire{server}, n)
		}
	}()
	return client, nil
}

// accept answers CONNECT; properties are those of MQTT 5 section 3.2.2.3.
func (w wire) accept(properties ...byte) { w.connack(0, properties...) }

func (w wire) connack(code byte, properties ...byte) {
	w.say(append([]byte{packets.CONNACK << 4, byte(3 + len(properties)), 0, code, byte(len(properties))}, properties...)...)
}

func (w wire) say(p ...byte) { _, _ = w.Write(p) }

// serve answers what comes until the connection ends, or only what a test says.
func (w wire) serve(answer func(kind byte) bool) {
	for {
		p, err := packets.ReadPacket(w)
		if err != nil {
			return
		}
		if !answer(p.Type) {
			continue
		}
		switch p.Type {
		case packets.PINGREQ:
			w.say(packets.PINGRESP<<4, 0)
		case packets.PUBLISH:
			w.say(packets.PUBACK<<4, 2, byte(p.PacketID()>>8), byte(p.PacketID()))
		case packets.SUBSCRIBE:
			codes := bytes.Repeat([]byte{1}, len(p.Content.(*packets.Subscribe).Subscriptions))
			w.say(append([]byte{packets.SUBACK << 4, byte(3 + len(codes)), byte(p.PacketID() >> 8), byte(p.PacketID()), 0}, codes...)...)
		}
	}
}

func all(byte) bool { return true }
