using System.Net;
using System.Net.Sockets;

namespace PageFold.Cli.Tests;

/// <summary>
/// <c>pagefold serve</c> refuses bad input in one line with the option, the value and the remedy, before it makes anything.
/// </summary>
public class ServeInputTests
{
    private static readonly string[] Size = ["--size", "1MiB"];

    [Fact]
    public void A_disk_needs_a_size_and_a_place_to_listen()
    {
        using ServeFolder folder = new();
        folder.AssertServeRefused([], "size of the disk is missing", "--size 8GiB");
        folder.AssertServeRefused(["--export", "a,size=1MiB", "--export", "b"], "size of the disk 'b' is missing", "--size 8GiB");
        folder.AssertRefused(["serve", .. Size], "nowhere to listen", "--unix", "--listen");
    }

    [Theory]
    [InlineData("0", "--size 0 is not a possible number of bytes; write for example 4096")]
    [InlineData("-4096", "-4096")]
    [InlineData("much", "--size much is not a possible number of bytes; write for example 4096")]
    [InlineData("", "--size")]
    [InlineData("1000", "--size is 1,000 bytes; choose a positive multiple of 512 bytes")]
    [InlineData("1000", "the nearest is 1024")]
    [InlineData("100", "the nearest is 512")]
    [InlineData("700", "the nearest is 512")]
    [InlineData("9223372036854775808", "--size 9223372036854775808 is not a possible number of bytes; write for example 4096")]
    [InlineData("9223372036854775807", "--size")]
    [InlineData("9223372036854775296", "--size is 9,223,372,036,854,775,296 bytes, more than 2^32 pages of 4096 bytes; choose")]
    [InlineData("32TiB", "--size is 35,184,372,088,832 bytes, more than 2^32 pages of 4096 bytes; choose a smaller disk or larger pages")]
    public void A_size_is_a_positive_multiple_of_512_and_not_too_many_pages(string size, string expected)
    {
        using ServeFolder folder = new();
        folder.AssertServeRefused([$"--size={size}"], expected);
    }

    [Fact]
    public void A_memory_limit_has_room_for_a_page()
    {
        using ServeFolder folder = new();
        folder.AssertServeRefused([.. Size, "--memory-limit", "4KiB"], "--memory-limit 4.0 KiB is too small for a page", "choose at ");
        folder.AssertServeRefused([.. Size, "--memory-limit", "none"], "--memory-limit none", "512MiB");
        folder.AssertServeRefused(
            [.. Size, "--memory-limit", "64MiB", "--export", "a,memory-limit=48MiB", "--export", "b,memory-limit=48MiB"], "96.0 MiB",
            "--memory-limit is 64.0 MiB", "raise it");
        folder.AssertServeRefused(
            [.. Size, "--page-size", "64KiB", "--memory-limit", "64MiB", "--cache", "1GiB"], "--cache is 1,073,741,824 bytes",
            "--memory-limit (67,108,864 bytes)");
        folder.AssertServeRefused([.. Size, "--page-size", "64KiB", "--cache", "-1"], "--cache -1 is not a possible number of bytes");
        // A cache of zero bytes is allowed, so the next option is refused.
        folder.AssertServeRefused(
            [.. Size, "--page-size", "64KiB", "--cache", "0B", "--writeback-size", "0"],
            "--writeback-size 0 is not a possible number of bytes");
    }

    [Fact]
    public void A_socket_is_made_where_no_file_is_and_where_its_path_fits()
    {
        using ServeFolder folder = new();
        File.WriteAllText(folder["taken"], "another's");
        Directory.CreateDirectory(folder["folder"]);
        string tooLong = folder[new string('x', 108)];
        folder.AssertRefused(["serve", "--unix", folder["taken"], .. Size], $"--unix {folder["taken"]} exists already", "choose another");
        folder.AssertRefused(
            ["serve", "--unix", folder["folder"], .. Size], $"--unix {folder["folder"]} exists already and is a folder",
            "choose a name in it");
        folder.AssertRefused(
            ["serve", "--unix", folder["no/s"], .. Size], $"--unix {folder["no/s"]} lies in a folder that does not exist",
            "make the folder");
        folder.AssertRefused(
            ["serve", "--unix", tooLong, .. Size], $"--unix {tooLong} is longer than the 107 bytes", "choose a shorter one");
        folder.AssertRefused(["serve", "--unix", "", .. Size], "--unix needs a path");
        folder.AssertRefused(["serve", "--unix", "s", "--unix", folder["s"], .. Size], $"--unix {folder["s"]} is given twice",
            "give it once");
        folder.AssertServeRefused([.. Size, "--control", ""], "--control needs a path");
        folder.AssertServeRefused([.. Size, "--control", folder["taken"]], $"--control {folder["taken"]} exists already", "choose another");
        folder.AssertServeRefused(
            [.. Size, "--control", folder["folder"]], $"--control {folder["folder"]} exists already and is a folder",
            "choose a name in it");
        folder.AssertServeRefused(
            [.. Size, "--control", folder["no/s"]], $"--control {folder["no/s"]} lies in a folder that does not exist", "make the folder");
        folder.AssertRefused(
            ["serve", "--unix", folder["s"], .. Size, "--control", folder["s"]], $"--control {folder["s"]} is what --unix names too",
            "a socket of its own");
    }

    [Fact]
    public void A_port_must_be_free_and_an_address_must_be_one_of_the_machines()
    {
        using ServeFolder folder = new();
        using TcpListener other = new(IPAddress.Loopback, 0);
        other.Start();
        string taken = other.LocalEndpoint.ToString()!;
        folder.AssertServeRefused([.. Size, "--listen", taken], "--listen", taken, "in use", "choose another");
        folder.AssertServeRefused([.. Size, "--metrics", taken], $"--metrics {taken}", "in use", "choose another");
        folder.AssertServeRefused([.. Size, "--listen", "localhost"], "--listen localhost is no address", "127.0.0.1:10809");
        folder.AssertServeRefused([.. Size, "--listen", "::1"], "--listen ::1 is no address", "[::1]:10809");
        folder.AssertServeRefused([.. Size, "--listen", "[::1]"], "--listen [::1] is no address", "[::1]:10809");
        folder.AssertServeRefused([.. Size, "--listen", "127.0.0.1:65536"], "--listen 127.0.0.1:65536 has no possible port (65536)",
            "1 to 65535, as in 127.0.0.1:10809");
        foreach (string host in (string[])["", "*"])
            folder.AssertServeRefused([.. Size, "--listen", $"{host}:77"], $"--listen {host}:77 names no address", "0.0.0.0:77 or [::]:77");
        folder.AssertServeRefused([.. Size, "--listen", "[::1]:x"], "--listen [::1]:x has no possible port (x)", "as in [::1]:10809");
        folder.AssertServeRefused([.. Size, "--metrics", "localhost:99999"], "--metrics localhost:99999 has no possible port (99999)");
        folder.AssertServeRefused([.. Size, "--listen", "192.0.2.1:10809"], "--listen", "192.0.2.1:10809", "choose another");
        folder.AssertServeRefused(
            [.. Size, "--listen", "no-such-name.invalid:10809"], "--listen no-such-name.invalid:10809: cannot listen there",
            "choose another");
        folder.AssertServeRefused([.. Size, "--metrics", "9090"], "--metrics 9090 is no address; write for example 127.0.0.1:9809.");
    }

    [Fact]
    public void A_file_to_keep_a_disk_in_must_not_be_used_otherwise()
    {
        using ServeFolder folder = new();
        folder.AssertRefused(
            ["serve", .. Size, "--unix", folder["s"], "--keep", folder["s"]], $"--keep {folder["s"]} is what --unix names too",
            "a file of its own");
        folder.AssertRefused(
            ["serve", .. Size, "--unix", folder["s"], "--keep", folder["s.control"]], "is what --control names too", "a file of its own");
        folder.AssertServeRefused(
            [.. Size, "--writeback", folder["w"], "--keep", folder["w"]], "is what --writeback names too", "a file of its own");
        folder.AssertRefused(
            ["serve", .. Size, "--unix", folder["k.pagefold-keeping"], "--keep", folder["k"]],
            $"--keep {folder["k"]} needs {folder["k.pagefold-keeping"]} for itself, which --unix names", "a file of its own");
        string[] socket = ["serve", .. Size, "--unix", folder["s"], "--writeback"];
        folder.AssertRefused([.. socket, folder["s"]], $"--writeback {folder["s"]} is what --unix names too", "a file of its own");
        folder.AssertRefused(
            [.. socket, folder["s.control"]], $"--writeback {folder["s.control"]} is what --control names too", "a file of its own");
        folder.AssertServeRefused(
            [.. Size, "--export", $"a,keep={folder["w.a"]}", "--export", "b", "--writeback", folder["w"]],
            $"--keep {folder["w.a"]} is what --writeback names too", "a file of its own");
        folder.AssertServeRefused([.. Size, "--keep", ""], "--keep needs a file");
        folder.AssertServeRefused(
            [.. Size, "--keep", folder["k.pagefold-partial"]], $"--keep {folder["k.pagefold-partial"]} ends with .pagefold-partial",
            "choose another name");
        folder.AssertServeRefused([.. Size, "--keep", folder[new string('k', 239)]], "the name is too long", "at most 238 bytes");
        folder.AssertServeRefused([.. Size, "--restore", ""], "--restore needs a file");
        folder.AssertServeRefused(["--keep", folder["k"], "--restore", ""], "--restore needs a file", "name one");
        folder.AssertServeRefused([.. Size, "--writeback", "", "--export", "a", "--export", "b"], "--writeback needs a file");
        folder.AssertServeRefused([.. Size, "--tls-certificates", " "], "--tls-certificates needs a folder", "name one");
        folder.AssertServeRefused([.. Size, "--export", "a,restore= "], "--export a,restore= : 'restore= ' is not known");
        folder.AssertServeRefused([.. Size, "--writeback", folder[new string('w', 256)]], "the name is too long", "at most 255 bytes");
        folder.AssertServeRefused(
            [.. Size, "--keep", folder["k"], "--memory-limit", "2MiB"], "--memory-limit is 2,097,152 bytes, of which --keep sets",
            "choose at least");
        if (OperatingSystem.IsLinux())
            folder.AssertServeRefused(
                [.. Size, "--keep", "/sys/kept"], "--keep /sys/kept", "nothing can be saved there", "a folder that can be written to");
    }

    [Fact]
    public void An_option_that_would_have_no_effect_is_refused()
    {
        using ServeFolder folder = new();
        folder.AssertServeRefused([.. Size, "--cache", "8MiB"], "--cache 8.0 MiB is for pages of 8.0 KiB and more", "--page-size 8KiB");
        folder.AssertServeRefused([.. Size, "--recompress", "none"], "--recompress none compresses nothing", "zstd:9");
        folder.AssertRefused(["recompress", "--codec", "none", "--control", folder["c"]], "--codec none compresses nothing", "zstd:9");
        folder.AssertRefused(["top", "--interval", "1000d", "--control", folder["c"]], "--interval 1000d is longer than a day", "1d");
        folder.AssertServeRefused(
            [.. Size, "--codec", "lz4", "--idle", "5m"],
            "--idle says when --recompress is to work", "--recompress zstd:9", "--writeback-idle");
        folder.AssertServeRefused(
            [.. Size, "--writeback", "/dev/zero", "--export", "a", "--export", "b"],
            "--writeback /dev/zero exists, and would not be used", "2 exports have a file each", "serve one export");
    }

    [Fact]
    public void An_option_that_another_would_override_is_refused()
    {
        using ServeFolder folder = new();
        folder.AssertServeRefused([.. Size, "--keep", folder["k"], "--export", $"a,keep={folder["own"]}"],
            $"--keep {folder["k"]} and --export a,keep={folder["own"]} say it twice", "leave one of them out");
        folder.AssertServeRefused(["--restore", folder["k"], "--export", $"a,restore={folder["own"]}"],
            $"--restore {folder["k"]} and --export a,restore={folder["own"]} say it twice");
        folder.AssertServeRefused([.. Size, "--export", "a,size=2MiB", "--export", "b,size=3MiB"], "--size 1.0 MiB would do nothing",
            "leave one of them out");
        folder.AssertServeRefused([.. Size, "--codec", "lz4", "--recompress", "lz4"],
            "--recompress lz4 compresses as --codec lz4 has done before", "zstd:9");
        folder.AssertServeRefused([.. Size, "--codec", "ZSTD:3", "--recompress", "zstd"],
            "--recompress zstd compresses as --codec ZSTD:3 has done before");
        folder.AssertServeRefused([.. Size, "--codec", "auto", "--recompress", "fold:fast"],
            "--recompress fold:fast compresses as --codec auto has done before", "--recompress fold:dense");
        folder.AssertServeRefused([.. Size, "--codec", "auto", "--recompress", "auto"], "--recompress auto is for 'measure' and");
        folder.AssertServeRefused([.. Size, "--memory-limit", "3MiB", "--export", $"a,keep={folder["k"]}", "--export", "b"], "export a: ",
            "share of --memory-limit 3.0 MiB, which 2 exports divide", "raise that");
    }

    [Fact]
    public void Streams_and_descriptors_are_neither_snapshots_nor_places_to_keep_a_disk()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The names are Linux's.");
        using ServeFolder folder = new();
        File.CreateSymbolicLink(folder["dangling"], "nowhere");
        Assert.Equal(0, Command.RunProcess("mkfifo", [folder["pipe"]]).ExitCode);
        foreach ((string options, string expected) in ((string, string)[])
        [
            ("--restore <(true)", "it is a pipe, and a snapshot is checked from its end first. Write it to a file, and name that."),
            ("--restore /dev/fd/3 3<>pipe", "it is a pipe"),
            ("--restore pipe", "--restore pipe cannot be restored: it is a pipe"),
            ("--restore -", "--restore - cannot be restored: a snapshot is checked from its end first"),
            ("--keep -", "--keep - is a stream, and the disk is kept in a file that is replaced; name a file"),
            ("--writeback -", "--writeback - is a stream, which cannot be read again; name a new file"),
            ("--restore /dev/zero", "it is a terminal or another device without an end"),
            ("--restore /dev/fd/77", "--restore /dev/fd/77 is not open in this command"),
            ("--restore dangling", "it is a link to nowhere, which does not exist"),
            ("--keep /dev/stdout", "--keep /dev/stdout is an open descriptor"),
            ("--keep pipe", "--keep pipe is a pipe"),
            ("--keep /dev/null", "--keep /dev/null is a terminal or another device without an end"),
            ("--writeback /dev/stderr", "--writeback /dev/stderr is an open descriptor"),
            ("--writeback pipe", "--writeback pipe is a pipe"),
            ("--writeback /dev/zero", "--writeback /dev/zero is a terminal or another device without an end"),
            ("--tls-certificates /dev/stdin", "--tls-certificates /dev/stdin"),
        ])
        {
            string size = options.Contains("--restore", StringComparison.Ordinal) ? string.Empty : "--size 1MiB";
            Command run = Command.RunProcess("bash", ["-c", $"dotnet {Command.Program} serve --unix s {size} {options} </dev/null"],
                folder: folder.Path, meanwhile: process =>
            {
                if (!process.WaitForExit(ServeProcess.Patience))
                    process.Kill(entireProcessTree: true);
            });
            Assert.True(run.ExitCode == 2, $"{options}: exit {run.ExitCode}: {run.Error}");
            Assert.Contains(expected, Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)),
                StringComparison.Ordinal);
        }
        Assert.Equal(["dangling", "pipe"], Directory.EnumerateFileSystemEntries(folder.Path).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void An_export_has_a_unique_name_and_known_suboptions()
    {
        using ServeFolder folder = new();
        folder.AssertServeRefused([.. Size, "--export", "a", "--export", "a"], "--export a", "twice", "a name of its own");
        foreach (string wrong in (string[])["colour=red", "read-only=yes", "restore", "keep=", "restore="])
            folder.AssertServeRefused([.. Size, "--export", $"a,{wrong}"], $"--export a,{wrong}: '{wrong}' is not known", "restore=FILE");
        folder.AssertServeRefused(["--export", "a,size=large"], "--export a,size large", "512MiB");
        folder.AssertServeRefused(["--export", "a,size="], "--export a,size ''", "512MiB");
        folder.AssertServeRefused(["--export", "a,size=1MiB,memory-limit=0"], "--export a,memory-limit 0", "512MiB");
        folder.AssertServeRefused(
            [.. Size, "--export", "a,size=1MiB,size=2MiB"], "--export a,size=1MiB,size=2MiB says size twice", "say it once");
        folder.AssertServeRefused([.. Size, "--export", "a", "--export", "b,size=77"], "export b: --size is 77 bytes", "512");
        folder.AssertServeRefused(
            [.. Size, "--export", "a", "--export", "b", "--restore", "x"], "--restore x", "2 exports", "--export NAME,restore=FILE");
        folder.AssertServeRefused(
            [.. Size, "--export", "a", "--export", "b", "--keep", "x"], "--keep x", "2 exports", "--export NAME,keep=FILE");
    }

    [Fact]
    public void Times_numbers_and_codecs_are_validated()
    {
        using ServeFolder folder = new();
        folder.AssertServeRefused([.. Size, "--idle-timeout", "soon"], "--idle-timeout soon is no time", "90s");
        folder.AssertServeRefused([.. Size, "--idle", "0s"], "--idle 0s is too short", "90s");
        folder.AssertServeRefused([.. Size, "--writeback-idle", "5"], "--writeback-idle 5 has no unit", "write 5s, 5m, 5h or 5d");
        folder.AssertServeRefused([.. Size, "--idle-timeout", "1000000d"], "--idle-timeout 1000000d is too long", "10000d");
        folder.AssertServeRefused([.. Size, "--max-connections", "0"], "--max-connections 0", "1 to 100000");
        folder.AssertServeRefused([.. Size, "--codec", "zip"], "--codec zip does not exist", "zstd:9");
        folder.AssertServeRefused([.. Size, "--recompress", "zstd:99"], "--recompress zstd:99 has no possible level (99)",
            "-7 to 22 as in zstd:9");
        folder.AssertServeRefused([.. Size, "--codec", "zstd:"], "--codec zstd: has no possible level ('')", "-7 to 22 as in zstd:9");
        folder.AssertServeRefused([.. Size, "--codec", "lz4:3"], "--codec lz4:3 has a level (3), which lz4 does not take", "zstd:9");
        foreach (string wrong in (string[])["0", "-1", "1000001", "much", "1.5"])
        {
            folder.AssertServeRefused(
                [.. Size, "--refusals-per-second", wrong], $"--refusals-per-second {wrong} is not possible; choose 1 to 1000000, or off");
        }
        folder.AssertServeRefused([.. Size, "--codec", "zip"],
            "choose auto, fold, fold:dense, lz4, lz4-managed, none, zstd, or zstd with a level");
        folder.AssertServeRefused([.. Size, "--recompress", "zip"], "--recompress zip does not exist; choose fold:dense, fold, zstd",
            "lz4 or lz4-managed");
        folder.AssertRefused(["recompress", "--codec", "zip", "--control", folder["c"]], "--codec zip does not exist; choose fold:dense",
            "lz4 or lz4-managed");
        folder.AssertServeRefused([.. Size, "--page-size", "5000"], "--page-size 5000", "64KiB");
        folder.AssertServeRefused([.. Size, "--page-size", ""], "--page-size '' is not a page size; choose 4KiB, 8KiB");
    }

    [Fact]
    public void A_writeback_file_is_new_or_an_earlier_writeback_file()
    {
        using ServeFolder folder = new();
        File.WriteAllText(folder["diary"], "another's");
        File.WriteAllText(folder["MemoryLimit"], "the user's");
        Directory.CreateDirectory(folder["folder"]);
        folder.AssertServeRefused(
            [.. Size, "--writeback", folder["MemoryLimit"]], $"--writeback {folder["MemoryLimit"]} holds something else");
        folder.AssertServeRefused(
            [.. Size, "--writeback", folder["diary"]], $"--writeback {folder["diary"]} holds something else", "Name a new file");
        folder.AssertServeRefused([.. Size, "--writeback", folder["folder"]], $"--writeback {folder["folder"]}", "name");
        folder.AssertServeRefused([.. Size, "--writeback", folder["no/w"]], $"--writeback {folder["no/w"]}", "name");
        folder.AssertServeRefused([.. Size, "--writeback", ""], "--writeback needs a file or a block device", "name one");
        folder.AssertServeRefused(
            [.. Size, "--writeback", folder["new"], "--writeback-size", "1KiB"], "--writeback-size is 1,024 bytes",
            "choose 4,194,304 bytes");
        foreach (string option in (string[])["--writeback-size", "--writeback-daily"])
            folder.AssertServeRefused([.. Size, option, "1GiB"], option, "--writeback FILE");
        folder.AssertServeRefused([.. Size, "--writeback-idle", "1h"], "--writeback-idle", "--writeback FILE");
    }

    [Fact]
    public void A_full_file_system_is_reported_with_its_own_remedy()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "It takes root to mount one.");
        using ServeFolder folder = new();
        Directory.CreateDirectory(folder["full"]);
        // Visible only to these processes, and gone with them.
        string mount = "mount -t tmpfs -o size=64k none \"$1/full\" || exit 77; dd if=/dev/zero of=\"$1/full/fill\" bs=4k 2>/dev/null;";
        Command run = Command.RunProcess(
            "unshare", ["--mount", "bash", "-c", $"{mount} dotnet \"$0\" serve --size 1MiB --unix \"$1/s\" --writeback \"$1/full/w\"",
                Command.Program, folder.Path]);
        Assert.SkipWhen(run.ExitCode is 1 or 77, "No file system can be mounted here.");
        Assert.Equal(2, run.ExitCode);
        string line = Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains($"--writeback {folder["full/w"]} cannot be used (", line, StringComparison.Ordinal);
        Assert.Contains("; make room there, or name a file on another file system, or a block device.", line, StringComparison.Ordinal);
    }
}
