using PageFold.CacheBench.Traces;
using PageFold.Cli;

namespace PageFold.CacheBench.Tests;

/// <summary>Traces in files: every format, plain and compressed, and what is refused.</summary>
public sealed class TraceFileTests : IDisposable
{
    private readonly Requests _requests = new();

    [Theory]
    [InlineData("text", "")]
    [InlineData("int32be", ".gz")]
    [InlineData("int32le", ".gz")]
    [InlineData("int64be", "")]
    [InlineData("sized", ".gz")]
    public void Every_format_gives_the_requests_that_were_written(string name, string suffix)
    {
        Assert.True(TraceFormats.TryParse(name, out TraceFormat format));
        ulong most = format is TraceFormat.Int32BigEndian or TraceFormat.Int32LittleEndian ? uint.MaxValue : ulong.MaxValue;
        Gen.OneOf(Gen.ULong[0, 20], Gen.ULong[0, most]).Array[1, 200].Sample(keys =>
        {
            string file = _requests.Write(Requests.Encode(keys, format), suffix);
            Trace trace = TraceFile.Parse($"{file}:{name}").Read(CancellationToken.None);
            Assert.Equal(Path.GetFileName(file), trace.Name);
            Assert.Equal(keys, trace.Requests.Select(place => trace.Keys[place]));
            Assert.Equal(keys.Distinct(), trace.Keys);
            Assert.Equal(format == TraceFormat.Sized ? keys.Distinct().Select(key => (int)(byte)key) : null, trace.Sizes);
        }, iter: 100, threads: 1);
    }

    [Fact]
    public void A_trace_longer_than_a_buffer_is_read_to_its_end()
    {
        ulong[] keys = [.. Enumerable.Range(0, 50_001).Select(key => (ulong)key)];
        string file = _requests.Write(Requests.Encode(keys, TraceFormat.Int64BigEndian), ".xz");
        Trace trace = TraceFile.Parse($"{file}:int64be").Read(CancellationToken.None);
        Assert.Equal(keys, trace.Requests.Select(place => trace.Keys[place]));
    }

    [Fact]
    public void Lines_that_are_not_numbers_are_skipped_in_text() =>
        Assert.Equal([1, 2, 1, ulong.MaxValue], Read("# blocks\n1\n*\n 2 \n\n1\n-1\n1.5\n", "text").Requests.Select(KeyOf("1 2 -1")));

    [Fact]
    public void A_value_has_the_size_of_its_first_request()
    {
        Trace trace = Read("0 7 100\n1 8 5\n\n2\t7\t300\n", "sized");
        Assert.Equal([100, 5], trace.Sizes!);
        Assert.Equal(105, trace.DistinctBytes);
    }

    [Theory]
    [InlineData("text", "", "holds no request in this format")]
    [InlineData("text", "a\nb\n", "holds no request in this format")]
    [InlineData("text", "1\n99999999999999999999\n", "line 2 of")]
    [InlineData("int32be", "12345", "ends within a key of 4 bytes")]
    [InlineData("int64be", "1234", "ends within a key of 8 bytes")]
    [InlineData("sized", "0 1 100\n1 2\n", "line 2 of")]
    [InlineData("sized", "0 1 100 3\n", "line 1 of")]
    [InlineData("sized", "0 1 -5\n", "line 1 of")]
    [InlineData("sized", "0 1 3000000000\n", "line 1 of")]
    public void Content_of_another_format_is_refused_with_the_place(string format, string content, string expected)
    {
        string file = _requests.WriteText(content);
        Refused($"'{file}'", () => TraceFile.Parse($"{file}:{format}").Read(CancellationToken.None));
        Refused(expected, () => TraceFile.Parse($"{file}:{format}").Read(CancellationToken.None));
    }

    [Fact]
    public void A_damaged_archive_is_refused()
    {
        string named = Path.Combine(_requests.Folder, "plain.trace.gz");
        File.WriteAllText(named, "1\n2\n");
        Refused("is damaged or not compressed by gzip", () => TraceFile.Parse($"{named}:text").Read(CancellationToken.None));
        string keys = string.Concat(Enumerable.Range(0, 10_000).Select(key => $"{key}\n"));
        string gz = _requests.WriteText(keys, ".gz");
        File.WriteAllBytes(gz, File.ReadAllBytes(gz)[..2000]);
        Refused("is damaged or not compressed by gzip", () => TraceFile.Parse($"{gz}:text").Read(CancellationToken.None));
        string xz = _requests.WriteText(keys, ".xz");
        File.WriteAllBytes(xz, File.ReadAllBytes(xz)[..2000]);
        Refused("cannot be decompressed", () => TraceFile.Parse($"{xz}:text").Read(CancellationToken.None));
    }

    [Theory]
    [InlineData("requests", "does not end with a format; write FILE:FORMAT, with text, int32be, int32le, int64be, sized as FORMAT.")]
    [InlineData("requests:csv", "does not end with a format")]
    [InlineData(":text", "does not end with a format")]
    [InlineData("/no/such/file:text", "there is no file '/no/such/file'")]
    public void A_trace_without_a_format_or_a_file_is_refused(string text, string expected) =>
        Refused(expected, () => TraceFile.Parse(text));

    public void Dispose() => _requests.Dispose();

    internal static void Refused(string expected, Action action) =>
        Assert.Contains(expected, Assert.Throws<UserErrorException>(action).Message, StringComparison.Ordinal);

    private static Func<int, ulong> KeyOf(string keys) =>
        place => unchecked((ulong)long.Parse(keys.Split(' ')[place], System.Globalization.CultureInfo.InvariantCulture));

    private Trace Read(string content, string format) =>
        TraceFile.Parse($"{_requests.WriteText(content)}:{format}").Read(CancellationToken.None);
}
