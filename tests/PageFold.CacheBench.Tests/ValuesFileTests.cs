using System.Buffers.Binary;
using PageFold.CacheBench.Values;

namespace PageFold.CacheBench.Tests;

/// <summary>Files of values: what is read of them, and what is refused.</summary>
public sealed class ValuesFileTests : IDisposable
{
    private readonly Requests _requests = new();

    [Fact]
    public void A_binary_file_gives_each_value_of_the_right_size_once_in_order()
    {
        Gen<byte[]> value = Gen.Byte[0, 3].Array[0, 1200];
        value.Array[0, 12].Select(Gen.Int[0, 12]).Sample(
            (values, repeats) =>
            {
                byte[][] all = [.. values, .. values.Take(repeats)];
                string[] expected = [.. all.Where(each => each.Length is >= 300 and <= 1000).Select(Convert.ToHexString).Distinct()];
                string file = _requests.Write(Encode(all), ".bin");
                if (expected.Length == 0)
                    TraceFileTests.Refused("has no value of 300 to 1000 bytes", () => ValuesFile.Read(file));
                else
                    Assert.Equal(expected, ValuesFile.Read(file).Select(Convert.ToHexString));
            },
            iter: 100, threads: 1);
    }

    [Fact]
    public void A_file_of_lines_gives_each_line_of_the_right_size_once_without_its_end()
    {
        string least = new('a', 300);
        string most = new('b', 1000);
        string file = _requests.WriteText($"{least[1..]}\n{most}\r\n{most}b\n\n{least}\n{most}\n{new string('c', 400)}");
        Assert.Equal([most, least, new string('c', 400)], ValuesFile.Read(file).Select(System.Text.Encoding.ASCII.GetString));
    }

    [Theory]
    [InlineData(2, "ends with 2 of 4 bytes of a length that begins at byte 404")]
    [InlineData(4, "ends with 0 of 500 bytes of a value that begins at byte 404")]
    [InlineData(503, "ends with 499 of 500 bytes of a value that begins at byte 404; make the file again")]
    public void A_torn_binary_file_is_refused_with_the_place(int left, string expected)
    {
        string file = _requests.Write(Encode([new byte[400], new byte[500]])[..(404 + left)], ".bin");
        TraceFileTests.Refused(expected, () => ValuesFile.Read(file));
    }

    [Fact]
    public void A_length_of_more_than_two_gibibytes_is_a_torn_file() =>
        TraceFileTests.Refused("ends with 1 of 4294967295 bytes of a value",
            () => ValuesFile.Read(_requests.Write([0xFF, 0xFF, 0xFF, 0xFF, 1], ".bin")));

    [Fact]
    public void A_file_that_is_missing_or_without_a_usable_line_is_refused()
    {
        TraceFileTests.Refused("there is no such file", () => ValuesFile.Check(Path.Combine(_requests.Folder, "none.bin")));
        TraceFileTests.Refused("has no line of 300 to 1000 bytes", () => ValuesFile.Check(_requests.WriteText("short\n")));
        TraceFileTests.Refused("has no value of 300 to 1000 bytes", () => ValuesFile.Check(_requests.Write([], ".bin")));
        TraceFileTests.Refused("cannot be read", () => ValuesFile.Read(_requests.Folder));
    }

    [Fact]
    public void A_file_is_compared_once()
    {
        string file = _requests.Write(Encode([new byte[400]]), ".bin");
        TraceFileTests.Refused("has a name twice", () => CacheBenchCommand.Create()
            .Parse(["--density", "--values", file, "--values", file])
            .Invoke(new System.CommandLine.InvocationConfiguration { EnableDefaultExceptionHandler = false }));
    }

    public void Dispose() => _requests.Dispose();

    /// <summary>The bytes of a binary file with these values.</summary>
    internal static byte[] Encode(IReadOnlyList<byte[]> values)
    {
        MemoryStream stream = new();
        Span<byte> length = stackalloc byte[sizeof(uint)];
        foreach (byte[] value in values)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(length, (uint)value.Length);
            stream.Write(length);
            stream.Write(value);
        }
        return stream.ToArray();
    }
}
