// SPDX-License-Identifier: LGPL-3.0-or-later

// A reader of a slot as one writes it with jackc/pglogrepl: it decodes each value and drops it, or, told a
// destination, stores it there. What it says on standard output, and what it is told in PEER_*, is described in
// ../run.py.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"strconv"
	"strings"
	"time"
)

// Change is one row as this program hands it on.
type Change struct {
	Table       string
	Operation   string
	Before      map[string]any
	After       map[string]any
	LSN         uint64
	CommittedAt time.Time
}

// Progress says how far the program is, and keeps when it saw what.
type Progress struct {
	wanted, changes int
	counts          map[string]int
	seen            []string
}

func (p *Progress) take(change *Change) {
	p.changes++
	p.counts[change.Operation]++
	if p.changes == 1 {
		fmt.Println("first")
	}
	if p.wanted > 0 && p.changes == p.wanted/2 {
		fmt.Println("half")
	}
	if p.wanted == 0 && change.After != nil {
		p.seen = append(p.seen, fmt.Sprintf("%v %f", change.After["owner"], float64(time.Now().UnixMicro())/1e6))
	}
}

// isLast tells whether this was all: enough changes, or the row that ends a measurement.
func (p *Progress) isLast(change *Change) bool {
	if p.wanted > 0 {
		return p.changes == p.wanted
	}
	owner, _ := change.After["owner"].(int32)
	return owner < 0
}

func (p *Progress) sayLast() {
	text, _ := json.Marshal(p.counts)
	fmt.Println("last", string(text))
}

// sink takes changes in order and says when the last one is where it belongs.
type sink func(changes []*Change) error

func drop(progress *Progress) sink {
	return func(changes []*Change) error {
		for _, change := range changes {
			progress.take(change)
			if progress.isLast(change) {
				progress.sayLast()
			}
		}
		return nil
	}
}

func main() {
	log.SetFlags(0)
	ctx := context.Background()
	wanted, _ := strconv.Atoi(os.Getenv("PEER_CHANGES"))
	progress := &Progress{wanted: wanted, counts: map[string]int{}}
	reader, err := start(ctx, os.Getenv("PEER_SOURCE_URL"), os.Getenv("PEER_SLOT"), os.Getenv("PEER_PUBLICATION"))
	if err != nil {
		log.Fatalln(err)
	}
	into := drop(progress)
	if url := os.Getenv("PEER_DESTINATION_URL"); url != "" {
		if into, err = table(ctx, url, progress); err != nil {
			log.Fatalln(err)
		}
	}
	go func() {
		if err := reader.run(ctx, into); err != nil {
			log.Fatalln(err)
		}
	}()
	_, _ = io.Copy(io.Discard, os.Stdin) // until we are told to end
	if path := os.Getenv("PEER_SEEN"); path != "" {
		if err := os.WriteFile(path, []byte(strings.Join(progress.seen, "\n")), 0o644); err != nil {
			log.Fatalln(err)
		}
	}
}
