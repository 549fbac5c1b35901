#include "services/cli/table.h"

#include <gtest/gtest.h>

namespace quire::services::cli {
namespace {

TEST(TableTest, ScriptsGetTabsAndNoHeadings) {
  Table table({"NAME", "BYTES"});
  table.AddRow({"a", "1"});
  table.AddRow({"long name", "20"});
  EXPECT_EQ(table.Format(Terminal{}), "a\t1\nlong name\t20\n");
}

TEST(TableTest, TerminalsGetAlignedColumns) {
  Table table({"NAME", "BYTES"});
  table.AddRow({"a", "1"});
  table.AddRow({"long name", "20"});
  Terminal terminal;
  terminal.stdout_is_terminal = true;
  EXPECT_EQ(table.Format(terminal), "NAME       BYTES\na          1\nlong name  20\n");
}

TEST(FormatBytesTest, UsesDecimalUnits) {
  EXPECT_EQ(FormatBytes(999), "999 B");
  EXPECT_EQ(FormatBytes(1000), "1.0 KB");
  EXPECT_EQ(FormatBytes(2'470'000'000), "2.5 GB");
}

}  // namespace
}  // namespace quire::services::cli
