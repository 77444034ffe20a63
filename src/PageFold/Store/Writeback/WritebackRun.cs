using PageFold.Store.Log;

namespace PageFold.Store.Writeback;

/// <summary>A writeback that is going on, and what it has done so far.</summary>
internal sealed class WritebackRun(WritebackLog log, WritebackSelection selection)
{
    private long _pages;
    private long _written;
    private Exception? _error;

    public WritebackSelection Selection => selection;

    /// <summary>Why it is to end; <see cref="WritebackStop.Finished"/> while it is not.</summary>
    public WritebackStop Stopped { get; set; }

    public long Bytes { get; private set; }

    public long Skipped { get; set; }

    /// <summary>Pages that have left memory.</summary>
    public long Pages => _pages;

    /// <summary>Begins anew, for a run that is used more than once.</summary>
    public void Restart()
    {
        Stopped = WritebackStop.Finished;
        (_pages, _written, Bytes, Skipped, _error) = (0, 0, 0, 0, null);
    }

    public WritebackResult Result => new()
    {
        Stopped = Stopped,
        Pages = _pages,
        Bytes = Bytes,
        Skipped = Skipped,
        FileBytesWritten = _written,
        Error = _error,
    };

    /// <summary>Counts a page that has left memory.</summary>
    public void Count(int size)
    {
        _pages++;
        Bytes += size;
    }

    /// <summary>
    /// Adds records to the open segment, which has room; false if the system fails to write them, and then it is as if they had never been
    /// there.
    /// </summary>
    public bool TryAppend(ReadOnlySpan<byte> records, ref long position)
    {
        try
        {
            // Whatever of them was written has been written.
            log.Writes.Use(records.Length);
            position = log.Append(records);
            _written += records.Length;
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return Fail(error);
        }
    }

    /// <summary>Reads a stretch of a segment into the batch's buffer; false if the system fails to.</summary>
    public bool TryRead(uint segment, int offset, int length, out int read)
    {
        read = 0;
        try
        {
            read = log.ReadSegment(segment, offset, log.Batch.Buffer[..length]);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return Fail(error);
        }
    }

    private bool Fail(Exception error)
    {
        Stopped = WritebackStop.IOError;
        _error = error;
        return false;
    }
}
