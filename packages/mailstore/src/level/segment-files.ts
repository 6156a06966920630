// The port to the files that hold the segments: on disk, in memory, or one that plays a power cut.

export interface SegmentFile {
  size(): Promise<number>;
  /** At most `length` bytes from `position`; fewer only at the end of the file. They lie in `room` where that is given. */
  read(position: number, length: number, room?: Buffer): Promise<Buffer>;
  /** All of `pieces`, one behind the other. */
  write(position: number, pieces: readonly Uint8Array[]): Promise<void>;
  /** What was written before the call is on stable storage when it resolves. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface SegmentFiles {
  /** Where they are, for messages. */
  readonly location: string;
  list(): Promise<readonly string[]>;
  /** Fails where the name is taken. */
  create(name: string): Promise<SegmentFile>;
  /** To be read: what a disk that failed still lets be read is read. */
  open(name: string): Promise<SegmentFile>;
  openToWrite(name: string): Promise<SegmentFile>;
  rename(from: string, to: string): Promise<void>;
  /** What was opened before stays readable. */
  remove(name: string): Promise<void>;
  /** Names created, renamed and removed before the call are on stable storage when it resolves. */
  syncNames(): Promise<void>;
}
