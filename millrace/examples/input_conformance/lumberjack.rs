//! Frames of Lumberjack 2 as a Beat writes them.

/// A window of these events, each one frame of JSON, numbered from 1.
pub(crate) fn window(events: &[String]) -> Vec<u8> {
    let mut frames = frame(b'W', &[events.len()], "");
    for (index, event) in events.iter().enumerate() {
        frames.extend(frame(b'J', &[index + 1, event.len()], event));
    }
    frames
}

fn frame(kind: u8, numbers: &[usize], rest: &str) -> Vec<u8> {
    let mut frame = vec![b'2', kind];
    for number in numbers {
        let number = u32::try_from(*number).unwrap_or(u32::MAX);
        frame.extend_from_slice(&number.to_be_bytes());
    }
    frame.extend_from_slice(rest.as_bytes());
    frame
}
