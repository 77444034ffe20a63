using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using PageFold.CacheBench.Traces;

namespace PageFold.CacheBench.Tests;

/// <summary>A folder of small traces and values, deleted at the end of the test.</summary>
public sealed class Requests : IDisposable
{
    public Requests() => Directory.CreateDirectory(Folder);

    public string Folder { get; } = Path.Combine(Path.GetTempPath(), $"pagefold-test-{Guid.NewGuid():N}");

    /// <summary>Writes bytes into a file with a suffix, compressed if it says so, and returns its path.</summary>
    public string Write(byte[] content, string suffix = "")
    {
        string path = Path.Combine(Folder, $"{Guid.NewGuid():N}.trace");
        File.WriteAllBytes(path, content);
        switch (suffix)
        {
            case ".gz":
                using (GZipStream gzip = new(File.Create(path + suffix), CompressionLevel.Fastest))
                    gzip.Write(content);
                break;
            case ".xz":
                using (Process xz = Process.Start("xz", ["-0", path]))
                    xz.WaitForExit();
                break;
            case ".bin":
                File.Move(path, path + suffix);
                break;
            default:
                return path;
        }
        return path + suffix;
    }

    public string WriteText(string content, string suffix = "") => Write(Encoding.ASCII.GetBytes(content), suffix);

    /// <summary>The bytes of a trace with these requests; the size of a key's value is the key's lowest byte.</summary>
    internal static byte[] Encode(ulong[] keys, TraceFormat format)
    {
        MemoryStream stream = new();
        Span<byte> bytes = stackalloc byte[8];
        for (int i = 0; i < keys.Length; i++)
        {
            switch (format)
            {
                case TraceFormat.Text:
                    stream.Write(Encoding.ASCII.GetBytes($"{keys[i]}\n"));
                    break;
                case TraceFormat.Sized:
                    stream.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{i} {keys[i]} {(byte)keys[i]}\n")));
                    break;
                case TraceFormat.Int32BigEndian:
                    BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)keys[i]);
                    stream.Write(bytes[..4]);
                    break;
                case TraceFormat.Int32LittleEndian:
                    BinaryPrimitives.WriteUInt32LittleEndian(bytes, (uint)keys[i]);
                    stream.Write(bytes[..4]);
                    break;
                default:
                    BinaryPrimitives.WriteUInt64BigEndian(bytes, keys[i]);
                    stream.Write(bytes);
                    break;
            }
        }
        return stream.ToArray();
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
