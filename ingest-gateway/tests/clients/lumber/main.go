// Sends windows with Elastic's own client of Lumberjack 2: lumber ADDRESS WINDOWS EVENTS COMPRESSION [IN_FLIGHT].
// Prints how many events were acknowledged. With IN_FLIGHT windows are sent without waiting for each.
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	lumberjack "github.com/elastic/go-lumber/client/v2"
)

func number(at int) int {
	value, err := strconv.Atoi(os.Args[at])
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func window(number, events int) []interface{} {
	batch := make([]interface{}, events)
	for event := range batch {
		batch[event] = map[string]interface{}{
			"@timestamp": "2026-01-31T12:00:00.000Z",
			"@metadata":  map[string]string{"beat": "lumber", "version": "8.0.0"},
			"message":    fmt.Sprintf("line %d/%d", number, event),
		}
	}
	return batch
}

func main() {
	address, windows, events := os.Args[1], number(2), number(3)
	options := []lumberjack.Option{lumberjack.CompressionLevel(number(4)), lumberjack.Timeout(30 * time.Second)}
	acknowledged := 0
	if len(os.Args) == 5 {
		client, err := lumberjack.SyncDial(address, options...)
		check(err)
		for at := 0; at < windows; at++ {
			count, err := client.Send(window(at, events))
			check(err)
			acknowledged += count
		}
		check(client.Close())
	} else {
		client, err := lumberjack.AsyncDial(address, number(5), options...)
		check(err)
		var waiting sync.WaitGroup
		var lock sync.Mutex
		for at := 0; at < windows; at++ {
			waiting.Add(1)
			check(client.Send(func(count uint32, err error) {
				check(err)
				lock.Lock()
				acknowledged += int(count)
				lock.Unlock()
				waiting.Done()
			}, window(at, events)))
		}
		waiting.Wait()
		check(client.Close())
	}
	fmt.Println(acknowledged)
}
