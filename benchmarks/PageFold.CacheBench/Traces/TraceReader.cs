using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using PageFold.Cli;

namespace PageFold.CacheBench.Traces;

/// <summary>Reads requests from the bytes of a trace.</summary>
internal static class TraceReader
{
    // A multiple of every key's length.
    private const int BufferBytes = 1 << 16;

    private static readonly char[] s_separators = [' ', '\t'];

    /// <summary>Reads a stream to its end.</summary>
    /// <param name="stream">The decompressed bytes.</param>
    /// <param name="format">Their format.</param>
    /// <param name="file">The file's name for messages.</param>
    /// <param name="cancellation">Cancels the reading.</param>
    /// <exception cref="UserErrorException">The bytes are not in the format.</exception>
    public static TraceBuilder Read(Stream stream, TraceFormat format, string file, CancellationToken cancellation)
    {
        TraceBuilder requests = new();
        switch (format)
        {
            case TraceFormat.Text:
                ReadKeys(Lines(stream, cancellation), requests, file);
                break;
            case TraceFormat.Sized:
                ReadSized(Lines(stream, cancellation), requests, file);
                break;
            default:
                ReadBinary(stream, format, requests, file, cancellation);
                break;
        }
        return requests.Count > 0 ? requests
            : throw new UserErrorException($"'{file}' holds no request in this format; choose another file or format.");
    }

    private static IEnumerable<string> Lines(Stream stream, CancellationToken cancellation)
    {
        using StreamReader reader = new(stream, Encoding.ASCII, detectEncodingFromByteOrderMarks: false, BufferBytes, leaveOpen: true);
        while (reader.ReadLine() is { } line)
        {
            cancellation.ThrowIfCancellationRequested();
            yield return line.Trim();
        }
    }

    private static void ReadKeys(IEnumerable<string> lines, TraceBuilder requests, string file)
    {
        int number = 0;
        foreach (string line in lines)
        {
            number++;
            if (TryParseKey(line, out ulong key))
                requests.Add(key);
            else if (line.Length > 0 && line.All(char.IsAsciiDigit))
                throw new UserErrorException($"line {number} of '{file}' is a number of more than 64 bits, which is no key.");
        }
    }

    private static void ReadSized(IEnumerable<string> lines, TraceBuilder requests, string file)
    {
        int number = 0;
        foreach (string line in lines)
        {
            number++;
            if (line.Length == 0)
                continue;
            string[] fields = line.Split(s_separators, StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length != 3 || !TryParseKey(fields[0], out _) || !TryParseKey(fields[1], out ulong key)
                || !int.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out int size))
            {
                throw new UserErrorException(
                    $"line {number} of '{file}' is not a time, a key and a size of less than 2 GiB; choose another file or format.");
            }
            requests.Add(key, size);
        }
    }

    private static void ReadBinary(
        Stream stream, TraceFormat format, TraceBuilder requests, string file, CancellationToken cancellation)
    {
        int width = format == TraceFormat.Int64BigEndian ? sizeof(ulong) : sizeof(uint);
        byte[] buffer = new byte[BufferBytes];
        while (stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false) is > 0 and int count)
        {
            cancellation.ThrowIfCancellationRequested();
            if (count % width != 0)
                throw new UserErrorException($"'{file}' ends within a key of {width} bytes; choose another file or format.");
            for (int i = 0; i < count; i += width)
                requests.Add(Key(buffer.AsSpan(i, width), format));
        }
    }

    private static ulong Key(ReadOnlySpan<byte> bytes, TraceFormat format) => format switch
    {
        TraceFormat.Int32BigEndian => BinaryPrimitives.ReadUInt32BigEndian(bytes),
        TraceFormat.Int32LittleEndian => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        _ => BinaryPrimitives.ReadUInt64BigEndian(bytes),
    };

    private static bool TryParseKey(string text, out ulong key)
    {
        if (ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out key))
            return true;
        bool isNegative = long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long signed);
        key = unchecked((ulong)signed);
        return isNegative;
    }
}
