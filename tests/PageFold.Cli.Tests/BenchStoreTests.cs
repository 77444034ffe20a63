using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace PageFold.Cli.Tests;

/// <summary>
/// <c>pagefold bench store</c> and <c>bench layers</c>: every subject is measured, and every page is read as it was written. How fast is
/// not asserted.
/// </summary>
public class BenchStoreTests
{
    private const string NoDevice = "A device needs zram and root, and without one nothing can be left behind.";

    // Two passes over the data of a test. How fast they are does not matter here.
    private const string RoundPages = "1024";
    private static readonly string[] Short = ["--round-pages", RoundPages];
    private static readonly string[] Subjects = ["codec", "pagefold"];

    [Theory]
    [InlineData]
    [InlineData("--codec", "zstd", "--level", "-1")]
    [InlineData("--codec", "none")]
    [InlineData("--codec", "fold,fold:dense")]
    [InlineData("--page-size", "16KiB", "--huge-pages")]
    public void Compares_codec_and_store_and_verifies_every_page(params string[] options)
    {
        using DataFolder data = new();
        Command run = Command.Run(
            ["bench", "store", "--data", data.Path, "--rounds", "1", .. Short, "--threads", "1,2", "--json", "-", .. options]);
        Assert.True(run.ExitCode == 0, run.Error);
        JsonElement json = run.Json;
        Assert.True(json.GetProperty("verified").GetBoolean());
        Assert.True(json.GetProperty("sameFilledLeftOut").GetInt32() > 0);
        JsonElement[] rows = [.. json.GetProperty("rows").EnumerateArray()];
        foreach (string algorithm in json.GetProperty("implementations").EnumerateObject().Select(entry => entry.Name))
        {
            foreach (string subject in Subjects)
            {
                foreach (string operation in (string[])["write", "read"])
                {
                    foreach (string order in (string[])["sequential", "random"])
                    {
                        foreach (int threads in (int[])[1, 2])
                        {
                            JsonElement row = Assert.Single(rows, row => Text(row, "subject") == subject
                                && Text(row, "algorithm") == algorithm && Text(row, "operation") == operation
                                && Text(row, "order") == order && row.GetProperty("threads").GetInt32() == threads);
                            Assert.True(row.GetProperty("pagesPerSecond").GetDouble() > 0);
                        }
                    }
                }
            }
        }
        foreach (JsonElement memory in json.GetProperty("memory").EnumerateArray())
            Assert.True(memory.GetProperty("totalBytes").GetInt64() >= memory.GetProperty("compressedBytes").GetInt64());
    }

    [Fact]
    public void Compares_every_lz4_there_is_with_the_kernel_as_root_or_says_why_not()
    {
        using DataFolder data = new();
        Command run = Command.Run("bench", "store", "--data", data.Path, "--rounds", "1", "--round-pages", RoundPages, "--threads", "1",
            "--json", "-");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains(run.Json.GetProperty("implementations").EnumerateObject(), entry => entry.Name == "lz4");
        bool measured = run.Json.GetProperty("rows").EnumerateArray().Any(row => Text(row, "subject") == "zram");
        Assert.Equal(measured, run.Json.GetProperty("zramUnavailable").ValueKind == JsonValueKind.Null);
        Assert.Equal(measured, run.Json.GetProperty("memory").EnumerateArray().Any(memory => Text(memory, "subject") == "zram"));
        Assert.Equal(measured, OperatingSystem.IsLinux() && Directory.Exists("/sys/class/zram-control") && Environment.IsPrivilegedProcess);
    }

    [Fact]
    public void Measures_the_algorithms_of_zram_that_are_asked_for_and_names_those_that_the_kernel_lacks()
    {
        using DataFolder data = new();
        string[] command = ["bench", "store", "--data", data.Path, "--rounds", "1", .. Short, "--threads", "1", "--codec", "lz4"];
        Command all = Command.Run([.. command, "--zram", "all", "--json", "-"]);
        Assert.True(all.ExitCode == 0, all.Error);
        Assert.Empty(all.Json.GetProperty("zramMissing").EnumerateObject());
        string[] names = Zram(all);
        Command lacking = Command.Run([.. command, "--zram", "lz4,no-such", "--json", "-"]);
        Assert.True(lacking.ExitCode == 0, lacking.Error);
        if (all.Json.GetProperty("zramUnavailable").GetString() is { } reason)
        {
            Assert.Empty(names);
            Assert.Contains(reason, lacking.Json.GetProperty("zramUnavailable").GetString(), StringComparison.Ordinal);
            return;
        }
        Assert.Contains("zram-lz4", names);
        Assert.Distinct(names);
        foreach (string name in names)
            Assert.Equal(4, all.Json.GetProperty("rows").EnumerateArray().Count(row => Text(row, "name") == name));
        Assert.Equal(["zram-lz4"], Zram(lacking));
        JsonProperty missing = Assert.Single(lacking.Json.GetProperty("zramMissing").EnumerateObject());
        Assert.Equal("no-such", missing.Name);
        Assert.Contains("does not offer no-such", missing.Value.GetString(), StringComparison.Ordinal);

        static string[] Zram(Command run) => [.. run.Json.GetProperty("memory").EnumerateArray()
            .Where(memory => Text(memory, "subject") == "zram").Select(memory => Text(memory, "name"))];
    }

    [Theory]
    [InlineData("none", "--zram none leaves it out")]
    [InlineData("no-such", "no-such")]
    public void Without_zram_the_report_says_why(string algorithms, string reason)
    {
        using DataFolder data = new();
        Command run = Command.Run(
            ["bench", "store", "--data", data.Path, "--rounds", "1", .. Short, "--codec", "lz4", "--zram", algorithms, "--json", "-"]);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.DoesNotContain(run.Json.GetProperty("rows").EnumerateArray(), row => Text(row, "subject") == "zram");
        bool canMake = OperatingSystem.IsLinux() && Directory.Exists("/sys/class/zram-control") && Environment.IsPrivilegedProcess;
        if (canMake || algorithms == "none")
            Assert.Contains(reason, Text(run.Json, "zramUnavailable"), StringComparison.Ordinal);
        else
            Assert.NotEmpty(Text(run.Json, "zramUnavailable"));
    }

    [Fact]
    public void Cold_memory_is_written_once_and_verified()
    {
        using DataFolder data = new();
        Command run = Command.Run("bench", "store", "--data", data.Path, "--rounds", "2", "--round-pages", RoundPages, "--cold", "--codec",
            "lz4", "--json", "-");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.True(run.Json.GetProperty("cold").GetBoolean() && run.Json.GetProperty("verified").GetBoolean());
        Assert.All(run.Json.GetProperty("rows").EnumerateArray(), row => Assert.Equal("write", Text(row, "operation")));
    }

    [Fact]
    public void Leaves_no_device_behind_when_interrupted()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Signals are sent with kill, and zram is Linux's.");
        using DataFolder data = new(8192);
        string? device = null;
        Command run = Command.RunProcess("dotnet", [Command.Program, "bench", "store", "--data", data.Path, "--rounds", "1000"], process =>
        {
            device = UntilAtWork(process);
            Process.Start("kill", ["-INT", $"{process.Id}"]).WaitForExit();
        });
        Assert.True(run.ExitCode == 130, $"exit {run.ExitCode}: {run.Error}");
        Assert.SkipWhen(device is null, NoDevice);
        AssertGone(device);
    }

    [Theory]
    [InlineData("-HUP")]
    [InlineData("-QUIT")]
    public void Leaves_no_device_behind_when_its_terminal_is_closed(string signal)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Signals are sent with kill, and zram is Linux's.");
        using DataFolder data = new(8192);
        string? device = null;
        Command.RunProcess("dotnet", [Command.Program, "bench", "store", "--data", data.Path, "--rounds", "1000"], process =>
        {
            device = UntilAtWork(process);
            Process.Start("kill", [signal, $"{process.Id}"]).WaitForExit();
        });
        Assert.SkipWhen(device is null, NoDevice);
        AssertGone(device);
    }

    [Fact]
    public void Leaves_no_device_behind_when_its_progress_is_not_read_any_more()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "zram is Linux's.");
        using DataFolder data = new();
        string[] before = Devices();
        Command run = Command.RunProcess("sh",
            ["-c", "dotnet \"$0\" bench store --data \"$1\" --rounds 1 --round-pages 1024 --threads 1 --json - 2>&1 >/dev/null | true",
            Command.Program, data.Path]);
        Assert.Equal(0, run.ExitCode);
        ServeProcess.Until(() => !Devices().Except(before).Any(), "the end of its device");
    }

    [Fact]
    public void Layers_add_up_to_the_whole_and_are_drawn()
    {
        using DataFolder data = new();
        string svg = Path.Combine(data.Path, "layers.svg");
        Command run = Command.Run("bench", "layers", "--data", data.Path, "--rounds", "1", "--json", "-", "--svg", svg);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.True(run.Json.GetProperty("verified").GetBoolean());
        foreach (string operation in (string[])["store", "load"])
        {
            JsonElement part = run.Json.GetProperty(operation);
            double sum = part.GetProperty("layers").EnumerateArray().Sum(layer => layer.GetProperty("nanoseconds").GetDouble());
            Assert.Equal(part.GetProperty("nanoseconds").GetDouble(), sum, 3);
        }
        Assert.StartsWith("<svg", File.ReadAllText(svg), StringComparison.Ordinal);
        System.Xml.Linq.XDocument.Load(svg);
    }

    [Fact]
    public void Shows_tables_with_ratios()
    {
        using DataFolder data = new();
        Command run = Command.Run(
            ["bench", "store", "--data", data.Path, "--rounds", "1", .. Short, "--threads", "1", "3", "--codec", "lz4,lz4-managed"]);
        Assert.Equal(0, run.ExitCode);
        foreach (string expected in (string[])["Memory held", "verified", "same-filled", "one round", "zram"])
            Assert.Contains(expected, run.Output, StringComparison.Ordinal);
        // Noise needs a second round, and a reader of a terminal cannot see what is cut off at its width.
        Assert.DoesNotContain('±', run.Output);
        Assert.DoesNotContain('…', run.Output);
        Assert.All(run.Output.Split('\n'), line => Assert.True(line.Length <= 80, line));
    }

    [Fact]
    public void An_unknown_bench_is_named_and_the_others_are_listed()
    {
        Command run = Command.Run("bench", "speed");
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(
            "there is no command 'bench speed'; the commands are: store, alloc, layers, map, codec, cache. See 'pagefold bench --help'",
            run.Error,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_report_and_a_drawing_go_to_two_files()
    {
        using DataFolder data = new();
        string file = Path.Combine(data.Path, "both");
        Command run = Command.Run("bench", "layers", "--data", data.Path, "--json", file, "--svg", file);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("name the same file", run.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(file));
    }

    [Fact]
    public void A_drawing_needs_a_file()
    {
        Command run = Command.Run("bench", "layers", "--svg", "-");
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("--svg - is no file", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no file or folder", "--data", "/no/such/path")]
    [InlineData("See 'pagefold bench store --help'", "--bogus")]
    [InlineData("write --data /usr", "/usr")]
    [InlineData("--codec gzip", "--codec", "gzip")]
    [InlineData("names one twice", "--codec", "lz4", "LZ4")]
    [InlineData("names one twice", "--codec", "fold,fold:fast")]
    [InlineData("names two levels of zstd", "--codec", "zstd:1,zstd:3")]
    [InlineData("--codec '' does not exist", "--codec", "lz4,")]
    [InlineData("--codec foo does not exist", "--codec", "lz4,foo")]
    [InlineData("write --data /usr", "--threads", "2", "/usr")]
    [InlineData("--level 3", "--level", "3", "--codec", "lz4")]
    [InlineData("--threads 0", "--threads", "0")]
    [InlineData("--threads 1,1", "--threads", "1,1")]
    [InlineData("--threads x", "--threads", "1,x")]
    [InlineData("--threads 0", "--threads", "1", "0")]
    [InlineData("--zram '' is no algorithm", "--zram", "lz4,")]
    [InlineData("--zram a/b is no algorithm; write the kernel's names, as in --zram lz4,zstd, or all or none", "--zram", "a/b")]
    [InlineData("--zram lz4,LZ4 names an algorithm twice", "--zram", "lz4,LZ4")]
    [InlineData("--zram all,lz4 mixes all or none with other values", "--zram", "all,lz4")]
    [InlineData("--rounds 0", "--rounds", "0")]
    [InlineData("--round-pages 0 is not possible; choose 1 to 16777216 pages", "--round-pages", "0")]
    [InlineData("--page-size 5000", "--page-size", "5000")]
    [InlineData("too much to hold", "--data", "LARGE", "--sample", "20GiB", "--page-size", "64KiB")]
    [InlineData("together", "--pid", "1", "--data", "/tmp")]
    [InlineData("holds only pages of one repeated word", "--data", "ZEROS")]
    public void Bad_input_gets_one_line_and_exit_code_two(string expected, params string[] arguments)
    {
        using DataFolder data = new();
        if (expected == "too much to hold")
        {
            // The holes are too short to be left out.
            const long Length = 20L << 30;
            using FileStream sparse = File.Create(Path.Combine(data.Path, "sparse"));
            for (long offset = 0; offset < Length; offset += 60 << 16)
                RandomAccess.Write(sparse.SafeFileHandle, [1], offset);
            sparse.SetLength(Length);
            arguments[1] = sparse.Name;
        }
        for (int i = 0; i < arguments.Length; i++)
            arguments[i] = arguments[i].Replace("ZEROS", Path.Combine(data.Path, "below", "zeros"), StringComparison.Ordinal);
        Command run = Command.Run(["bench", "store", .. arguments]);
        Assert.True(run.ExitCode == 2, $"exit {run.ExitCode}: {run.Error}{run.Output}");
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
    }

    /// <summary>
    /// Waits until there is something to leave behind: a device with room for the data, where there can be one; returns its folder. Other
    /// tests have devices too, and numbers are given again, so it is the one that the process has open.
    /// </summary>
    private static string? UntilAtWork(Process process)
    {
        bool hasZram = Directory.Exists("/sys/class/zram-control") && Environment.IsPrivilegedProcess;
        string? device = null;
        ServeProcess.Until(
            () => process.HasExited || Command.ListensForInterrupts(process) && (!hasZram || (device = DeviceOf(process)) is not null),
            "a bench");
        ServeProcess.UntilAtWork(process);
        return device;
    }

    // A device with room for one page only tests whether devices can be made.
    private static string? DeviceOf(Process process)
    {
        try
        {
            return new DirectoryInfo($"/proc/{process.Id}/fd").EnumerateFileSystemInfos().Select(file => file.LinkTarget)
                .Where(target => target?.StartsWith("/dev/zram", StringComparison.Ordinal) == true)
                .Select(target => $"/sys/block/{Path.GetFileName(target)}").FirstOrDefault(folder =>
                    long.Parse(File.ReadAllText($"{folder}/disksize"), CultureInfo.InvariantCulture) > 65536);
        }
        catch (IOException)
        {
            // The device was just removed, or the process has ended.
            return null;
        }
    }

    /// <summary>Waits until a device is gone: one that was left behind never goes, one of another test with the same number does.</summary>
    private static void AssertGone(string? device) => ServeProcess.Until(() => !Directory.Exists(device), $"the end of {device}");

    private static string[] Devices() =>
        Directory.Exists("/sys/block") ? [.. Directory.GetFileSystemEntries("/sys/block").Order(StringComparer.Ordinal)] : [];

    private static string Text(JsonElement element, string property) => element.GetProperty(property).GetString()!;
}
