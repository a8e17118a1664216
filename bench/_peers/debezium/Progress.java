// SPDX-License-Identifier: LGPL-3.0-or-later

import java.time.Instant;
import java.time.temporal.ChronoUnit;

/** How far the reader is, said on standard output, and when it saw what. */
final class Progress {
    private final int wanted;
    private final StringBuilder seen = new StringBuilder();
    private int inserts;
    private int updates;
    private int deletes;

    Progress(int wanted) {
        this.wanted = wanted;
    }

    /** Whether this was all: enough changes, or the row that ends a measurement. */
    boolean take(String operation, int owner) {
        switch (operation) {
            case "c" -> inserts++;
            case "u" -> updates++;
            case "d" -> deletes++;
            default -> throw new IllegalStateException("operation " + operation);
        }
        int changes = inserts + updates + deletes;
        if (changes == 1) {
            say("first");
        }
        if (wanted > 0) {
            if (changes == wanted / 2) {
                say("half");
            }
            return changes == wanted;
        }
        long micros = ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now());
        seen.append(owner).append(' ').append(micros / 1e6).append('\n');
        return owner < 0;
    }

    void sayLast() {
        say("last {\"insert\": %d, \"update\": %d, \"delete\": %d}".formatted(inserts, updates, deletes));
    }

    String seen() {
        return seen.toString();
    }

    private static void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
