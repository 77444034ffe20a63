using PageFold.Cli.Serve;
using PageFold.Disks;
using PageFold.Nbd;

namespace PageFold.Cli.Tests;

/// <summary>Files that may not grow as far as they have to: a limit of the process, or a file system with little room.</summary>
public class FileLimitTests
{
    // In blocks of 1 KiB, the unit of ulimit.
    private const string Limit = "2000";

    [Fact]
    public void A_limit_of_file_sizes_does_not_end_the_server_and_leaves_the_pages_in_memory()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such limit.");
        using ServeFolder folder = new();
        // By default the runtime's own code is in a file too.
        using ServeProcess server = ServeProcess.StartThrough(
            folder, ["bash", "-c", $"ulimit -f {Limit}; export DOTNET_EnableWriteXorExecute=0; exec \"$@\"", "bash"],
            "--size", "64MiB", "--memory-limit", "32MiB", "--writeback", folder["wb"], "--keep", folder["kept"]);
        byte[] content = ServeContent.Noise(4 << 20, 1);
        using (ServeClient client = server.Connect())
        {
            client.Write(0, content);
            Command writeback = server.Ask("writeback");
            Assert.Equal(2, writeback.ExitCode);
            Assert.Contains("larger than its file system", writeback.Error, StringComparison.Ordinal);
            Assert.Equal(content, client.Read(0, content.Length));
        }
        Assert.Equal(1, server.Terminate());
        Assert.Contains("could NOT be saved", server.Log, StringComparison.Ordinal);
        Assert.Contains("ulimit -f", server.Log, StringComparison.Ordinal);
        Assert.False(File.Exists(folder["kept"]));
    }

    [Fact]
    public void A_report_that_may_not_grow_is_refused_in_one_line()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such limit.");
        using ServeFolder folder = new();
        File.WriteAllBytes(folder["data"], ServeContent.Text(1 << 20, 1));
        Command measure = Command.RunProcess(
            "bash",
            ["-c", "ulimit -f 1; export DOTNET_EnableWriteXorExecute=0; exec \"$@\"", "bash", "dotnet", Command.Program,
                "measure", folder["data"], "--json", folder["report"]]);
        Assert.Equal(2, measure.ExitCode);
        Assert.Contains("choose another file for --json", measure.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Too_little_room_for_a_kept_disk_causes_one_warning_until_there_is_room()
    {
        using RamDisk disk = new(new RamDiskOptions { Length = 1 << 20, Store = new PageStoreOptions { MemoryLimit = 16 << 20 } });
        NbdExport export = new() { Disk = disk };
        List<string> told = [];
        long? room = 0;
        KeptRoom kept = new(told.Add, _ => room);
        kept.Look(export, "kept");
        Assert.Empty(told);
        for (int page = 0; page < 16; page++)
            disk.Store.Write(page, ServeContent.Noise(ServeContent.Page, page));
        kept.Look(export, "kept");
        kept.Look(export, "kept");
        Assert.Contains("--keep kept: its file system has 0 B free", Assert.Single(told), StringComparison.Ordinal);
        room = 1 << 20;
        kept.Look(export, "kept");
        room = 64 << 10;
        kept.Look(export, "kept");
        Assert.Equal(2, told.Count);
        room = null;
        kept.Look(export, "kept");
        Assert.Equal(2, told.Count);
    }

    [Fact]
    public void The_room_for_a_file_is_that_of_its_folder()
    {
        using ServeFolder folder = new();
        Assert.InRange(KeptRoom.RoomAt(folder["kept"])!.Value, 1, long.MaxValue);
        Assert.Null(KeptRoom.RoomAt(folder["missing/kept"]));
    }
}
